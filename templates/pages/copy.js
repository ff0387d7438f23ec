(function () {
  var text = document.getElementById("text");
  var told = document.getElementById("told");
  var copy = document.getElementById("copy");
  var share = document.getElementById("share");

  function say(words) {
    told.textContent = "";
    setTimeout(function () { told.textContent = words; }, 50); // so that it is read out each time
  }

  function select() {
    var range = document.createRange();
    range.selectNodeContents(text);
    var chosen = window.getSelection();
    chosen.removeAllRanges();
    chosen.addRange(range);
  }

  function byHand() { // without a secure page, or where the browser says no
    var done = false;
    select();
    try { done = document.execCommand("copy"); } catch (error) { done = false; }
    say(done ? copy.dataset.done : copy.dataset.else);
  }

  copy.hidden = false;
  copy.addEventListener("click", function () {
    if (!navigator.clipboard) { byHand(); return; }
    navigator.clipboard.writeText(text.textContent).then(function () { say(copy.dataset.done); }, byHand);
  });

  if (navigator.share && window.matchMedia("(pointer: coarse)").matches) {
    share.hidden = false;
    share.addEventListener("click", function () {
      navigator.share({ text: share.dataset.text }).catch(function (error) {
        if (error.name !== "AbortError") say(share.dataset.else);
      });
    });
  }
})();
