package logging

const openFlags = 0

// colours is off: old consoles print the escape sequences.
const colours = false
