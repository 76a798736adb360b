// What most scripts never ask for (`late.js` lists it) is made when it is first asked for: to make it with every engine
// would take longer than to make the rest.

let load;
let made;

/** The bundle says how it is made. */
export function provideLater(loader) {
  load = loader;
}

/** All of it, by name. */
export function later() {
  made ??= load();
  return made;
}
