"use strict";
// What makes an operator look who looks elsewhere: the title and the icon of the tab say how many people wait. Who asked for it
// is told by a notification and a sound when it is one more.
{
  const title = document.title;
  const bell = document.getElementById("notify");
  const wanted = () => localStorage.getItem("notify") === "on" && window.Notification?.permission === "granted";
  const waiting = () => Number(document.getElementById("rail-items")?.dataset.waiting || 0);
  let known = waiting();

  const showBadge = (count) => {
    const icon = document.querySelector("link[rel=icon]");
    if (!count) return void (icon.href = "data:,");
    const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
    canvas.width = canvas.height = 64;
    pen.fillStyle = "#b3261e";
    pen.beginPath();
    pen.arc(32, 32, 32, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.font = "bold 38px sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(count > 99 ? "99" : count, 32, 35);
    icon.href = canvas.toDataURL();
  };

  const sound = async () => {
    const audio = new AudioContext();
    try {
      await audio.resume(); // a browser is silent until the page was clicked on
      const tone = audio.createOscillator(), volume = audio.createGain();
      volume.gain.setValueAtTime(0.15, audio.currentTime);
      volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.4);
      tone.frequency.value = 660;
      tone.connect(volume).connect(audio.destination);
      tone.onended = () => audio.close();
      tone.start();
      tone.stop(audio.currentTime + 0.4);
    } catch {
      audio.close();
    }
  };

  const notify = (count) => {
    const body = ngettext("One conversation needs a person.", "%(num)s conversations need a person.", count);
    const note = new Notification("Salesgraph", { body, tag: "waiting", renotify: true });
    note.onclick = () => {
      window.focus();
      location.assign("/dashboard?show=needs_person");
    };
    sound();
  };

  const look = () => {
    const count = waiting();
    document.title = count ? `(${count}) ${title}` : title;
    showBadge(count);
    if (count > known && wanted() && (document.hidden || !document.hasFocus())) notify(count);
    known = count;
  };
  look();
  document.addEventListener("shown", look);

  if (bell && "Notification" in window) {
    const show = () => {
      bell.setAttribute("aria-pressed", String(wanted()));
      bell.title = wanted() ? _("You are notified when somebody needs a person") : _("Be notified when somebody needs a person");
    };
    bell.hidden = false;
    show();
    bell.addEventListener("click", async () => {
      const on = !wanted();
      if (on && (await Notification.requestPermission()) !== "granted") say(_("This browser does not allow notifications of this page."), true);
      localStorage.setItem("notify", on ? "on" : "off");
      show();
    });
  }
}
