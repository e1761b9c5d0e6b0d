package logging

// colours is off: old consoles print the escape sequences.
const colours = false
