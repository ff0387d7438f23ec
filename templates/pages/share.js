(function () {
  var words = document.getElementById("words");
  var over = document.getElementById("over");
  var places = document.querySelectorAll("#rest [data-letter]");
  var radios = document.querySelectorAll("input[name=network]");
  var url = /https?:\/\/[^\s<>"]+/gi;
  var bare = /(?<![\p{L}\p{M}\p{N}_@./-])(?:[\p{L}\p{M}\p{N}_-]+\.)+[a-z]{2,}(?:\/[^\s<>"]*)?/giu;
  var emoji = /[\p{Extended_Pictographic}\p{Regional_Indicator}]/u;
  var language = document.documentElement.lang;
  var cut = window.Intl && Intl.Segmenter ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

  function graphemes(text) { // without a segmenter it counts too many rather than too few
    return cut ? Array.from(cut.segment(text), function (part) { return part.segment; }) : Array.from(text);
  }

  function octets(text) { return new TextEncoder().encode(text).length; }

  function points(text) { // X's configuration version 3
    return Array.from(text).reduce(function (sum, letter) {
      var c = letter.codePointAt(0);
      return sum + (c <= 4351 || (c >= 8192 && c <= 8205) || (c >= 8208 && c <= 8223) || (c >= 8242 && c <= 8247) ? 1 : 2);
    }, 0);
  }

  function weighX(text) {
    var parts = text.normalize("NFC").split(url);
    var rest = parts.join(" ");
    var more = Array.from(rest.matchAll(bare)).reduce(function (sum, found) { return sum + Math.max(0, 23 - points(found[0])); }, 0);
    return (parts.length - 1) * 22 + more + points(rest);
  }

  function weighThreads(text) { // an emoji counts as its octets
    return graphemes(text).reduce(function (sum, letter) {
      return sum + (emoji.test(letter) ? octets(letter) : Array.from(letter).length);
    }, 0);
  }

  function count(place, text) {
    if (place.dataset.rule === "x") return weighX(text);
    if (place.dataset.url) text = text.replace(url, "u".repeat(Number(place.dataset.url)));
    if (place.dataset.rule === "threads") return weighThreads(text);
    return place.dataset.rule === "graphemes" ? graphemes(text).length : Array.from(text).length;
  }

  function left(place, text) {
    var found = Number(place.dataset.room) - count(place, text);
    return place.dataset.octets ? Math.min(found, Number(place.dataset.octets) - octets(text)) : found;
  }

  function tell() {
    var text = words.value.replace(/\r\n?/g, "\n").trim();
    var said = "";
    places.forEach(function (place) {
      var rest = left(place, text);
      place.textContent = (rest < 0 ? place.dataset.over : place.dataset.left).replace("{n}", Math.abs(rest).toLocaleString(language));
      place.classList.toggle("over", rest < 0);
      place.dataset.rest = rest;
      if (rest < 0 && document.getElementById("k" + place.dataset.letter).checked) said = place.textContent;
    });
    if (!said !== !over.textContent) over.textContent = said; // read out once, not at each key
  }

  words.addEventListener("input", tell);
  radios.forEach(function (radio) {
    radio.addEventListener("change", function () { over.textContent = ""; tell(); });
  });
  tell();
})();
