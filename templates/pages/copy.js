document.querySelectorAll("[data-copy]").forEach(function (button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", function () {
    navigator.clipboard.writeText(document.getElementById("text").textContent).then(function () {
      document.getElementById("copied").textContent = button.dataset.copied;
    });
  });
});
