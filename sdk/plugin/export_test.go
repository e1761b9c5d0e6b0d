package plugin

// ShortDir is for the tests from outside.
var ShortDir = shortDir
