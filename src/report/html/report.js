// What moves in a report: the timeline of each scenario's replication, and tables that sort.

document.querySelectorAll("table.sortable").forEach(sortable);

JSON.parse(document.getElementById("races").textContent).forEach((race, index) => {
  if (!race) return;
  const part = (name) => document.getElementById(`${name}-${index}`);
  const why = part("why");
  const view = new RaceView(part("race"), (lost) => why.replaceChildren(...causes(lost, race)));
  part("race").before(legend(race));
  view.show(race);
  if (race.n_lost > 0) why.after(lostTable(race));
});

document.body.dataset.ready = "true";
