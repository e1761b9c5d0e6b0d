// Package plugin carries an archive backend over a process boundary: [Serve]
// is the whole main function of a backend program, [Launch] starts such a
// program and [Process.Open] returns the same [sdk.Backend], on the other
// side of a gRPC connection.
//
// # For who writes a backend
//
//	func main() { plugin.Serve(sdk.Driver{Name: "mydb", …, Open: open}) }
//
// Standard output belongs to the handshake until Serve runs; do not print
// before. Log with log/slog: Serve sets the default logger so that lines arrive
// in the host's log with level and pairs. The URL and password given to Open
// are removed from every error and log line that leaves the process.
// Set the backend up in Open, not in main: a host that only asks for a
// description must not wait for a database.
//
// A program that calls Serve can also be started by hand, say under a debugger:
// with the arguments --listen unix:/path/of/a/socket (or tcp:127.0.0.1:port) it
// serves the bare protocol there, and [Attach] finds it.
//
// # For who writes a backend in another language
//
// The protocol is archivepb/archive.proto; its comments are the specification.
//
// # What travels how
//
// One process, one connection, one opened archive. Bodies travel in chunks of
// [sdk.ChunkSize], several small items to a frame; both halves hold one frame
// of a stream at a time, so memory does not grow with a body. Errors travel as
// gRPC statuses with a detail that carries all of [sdk.Error] but its cause.
package plugin
