package main

import (
	"fmt"
	"slices"
	"strings"
)

// exitCode is what there is to say about one exit code. The help prints the
// meaning, explain all of it.
type exitCode struct {
	code    int
	meaning string // lines of at most 75 characters
	causes  []string
	remedy  []string
}

// exitCodes are the exit codes in the order of their numbers.
var exitCodes = []exitCode{
	{exitDone, "done", nil, nil},
	{exitFailed, "failed for a reason without a code of its own",
		[]string{"a file of this machine that cannot be read or written", "content that was purged on purpose", "a bug, in codex or in a backend"},
		[]string{"the message says what was tried, and on what", "run it again with --log-level debug to see each step"}},
	{exitUsage, "usage or configuration; nothing was touched",
		[]string{"a missing argument, an unknown flag, a value that is not allowed", "a configuration file with a mistake; the message names file, line and key", "no program for the backend, or one that may not be trusted"},
		[]string{"codex archive COMMAND --help", "codex archive config-show --origin shows where each setting comes from", "codex plugin list shows which backends were found, and where"}},
	{exitBatch, "a batch with an item that failed or was not done",
		[]string{"an item failed; those after it were skipped, unless --continue-on-error stands", "the batch was stopped"},
		[]string{"the results file says what became of each item, and why", "codex archive batch-restore MANIFEST --by WHO --resume does only what is missing"}},
	{exitNotFound, "no such tombstone",
		[]string{"a slip in the tombstone, or fewer than 8 characters of it", "another archive than the one it was stored in"},
		[]string{"codex archive list shows what is there", "codex archive config-show shows which archive is in use"}},
	{exitIntegrity, "integrity: content does not match its hash, or the evidence chain is broken",
		[]string{"a damaged disk, or content changed behind the archive's back", "content missing from the database", "evidence that was edited, or lines that were cut out of it"},
		[]string{"no damaged file was written: restore the database from a backup", "codex archive evidence verify names the first line that breaks the chain"}},
	{exitBackend, "backend: the plugin would not start or crashed, the database cannot be\nreached or will not serve, a time-out, or a SQLite file that does not exist",
		[]string{"a server that is down, a wrong host, user, password or database", "a database that is full, busy, read-only, or of another schema version", "nothing was ever stored here, so that there is no file yet"},
		[]string{"codex archive health-check says which of these it is", "retry.enabled = true repeats what passes by itself", "codex archive init makes the archive"}},
	{exitRefused, "refused: legal hold, retention, four eyes, output exists",
		[]string{"OUTPUT exists and holds other bytes, or is a symbolic link", "a hold stands, the retention lasts, or the same person asked for the purge"},
		[]string{"another OUTPUT, or --force to replace the file", "codex archive show TOMBSTONE shows holds and retention"}},
	{exitEvidence, "evidence could not be written",
		[]string{"a full disk, a directory that cannot be written, or something that is no log in its place", "another process that has held the log's lock for 30 seconds"},
		[]string{"\"stored, not recorded\": the archive has the file; the next command that can write evidence records it", "otherwise nothing was touched: mend the directory that evidence.dir names"}},
	{exitInterrupted, "interrupted",
		[]string{"Ctrl-C, or a signal to end"},
		[]string{"nothing is left half done: run it again", "codex archive batch-restore … --resume goes on where a batch was stopped"}},
}

// errorKind is what there is to say about one word that --json prints as the
// kind of an error.
type errorKind struct {
	word    string
	code    int
	meaning string
	causes  string
	hint    string // what to do next, as error messages say it too; "" where that differs from case to case
}

// errorKinds are the kinds of backends first, in the order of [sdk.Kinds], then
// those of this program.
var errorKinds = []errorKind{
	{"internal", exitFailed, "a bug in codex or in the backend", "something happened that its authors thought impossible", "run it again with --log-level debug, and report what it says"},
	{"invalid", exitUsage, "the request is wrong and always will be", "a value that no archive takes, such as a NUL in a path", ""},
	{"not_found", exitNotFound, "no such tombstone", "a slip in the tombstone, or another archive", "codex archive list shows what is there"},
	{"conflict", exitFailed, "the name is taken by something else", "two different records under one tombstone or event, which chance cannot explain", ""},
	{"purged", exitFailed, "the content was removed on purpose", "somebody purged it when its retention was over", "its content was removed on purpose; codex archive show tells by whom"},
	{"content_absent", exitIntegrity, "the record is there and its content is not", "rows deleted from the database by hand, or a backup that was restored in part", "the archive lost this content: restore the database from a backup"},
	{"corrupt", exitIntegrity, "bytes do not match their size, checksum or hash", "a damaged disk, or content changed behind the archive's back", "the archive holds damaged content: nothing was written; restore the database from a backup"},
	{"unavailable", exitBackend, "the database cannot be reached", "refused, unknown host, connection lost, server starting or stopping", "see that the server runs, and that backend.url leads to it: codex archive config-show"},
	{"busy", exitBackend, "the database has no time for this now", "locked by another, too many connections, a transaction lost to another", "try again, or set retry.enabled = true"},
	{"timeout", exitBackend, "the time allowed is over", "a slow or hanging server, or a --timeout or batch.timeout_per_item too short for the file", "try again with a longer --timeout, and see that the server answers: codex archive config-show names it"},
	{"canceled", exitInterrupted, "interrupted", "Ctrl-C, or a signal to end", "nothing is left half done: run it again"},
	{"unauthenticated", exitBackend, "wrong user or password", "a password that has changed, or a variable that is not set", "check the user and the password in backend.url, backend.password_file or the environment"},
	{"permission_denied", exitBackend, "a right is missing, or the archive is read-only", "a role without rights on the tables, a standby server, a file of another user", "ask whoever runs the database to allow what the message names"},
	{"no_archive", exitBackend, "no such file or database, or no archive in it", "nothing was ever stored here, or backend.url leads elsewhere", "codex archive config-show says which database is meant; codex archive init makes an archive in it"},
	{"schema", exitBackend, "the archive's schema is older or newer than this codex knows", "another version of codex made it or brought it up to date", "codex archive init --upgrade brings an older schema up to date; for a newer one use a newer codex"},
	{"full", exitBackend, "the database's disk or quota is full", "no space where the database keeps its files", "make room where the database keeps its files, then run the command again"},
	{"limit", exitUsage, "something is larger than a limit", "a path, note or metadata too long; the message names what and how much is allowed", ""},
	{"refused", exitRefused, "hold, retention, four eyes or an existing output forbid it", "a hold stands, the retention lasts, the same person asked, or OUTPUT holds other bytes", ""},
	{"unsupported", exitUsage, "the backend does not know this request or URL", "an older backend, or an option of the URL that its database does not have", ""},
	{"crashed", exitBackend, "the backend's process died while it was asked", "a bug in the backend, no memory left, or somebody killed it", "run it again with --log-level debug to see what the plugin said"},
	{"not_started", exitBackend, "the backend's process did not start, or speaks another protocol", "a program for another machine or version, or one that is no backend", "codex plugin list shows which backends were found, and where"},

	{"usage", exitUsage, "the command line is wrong", "a missing argument, an unknown flag, a value that is not allowed", "codex archive COMMAND --help"},
	{"config", exitUsage, "the configuration is wrong", "a mistake in a file, a variable or a flag; the message names it and what is allowed", "codex archive config-show --origin shows where each setting comes from"},
	{"no_backend", exitUsage, "no program for the backend, or one that may not be trusted", "it is not installed, or it or its directory can be written by others", "codex plugin list shows which backends were found, and where"},
	{"plugin_changed", exitUsage, "the backend's program is not the one that plugins.lock names", "an update, another build, or somebody exchanged the program; it was not run", "if you trust the program that is there now: codex plugin lock"},
	{"no_file", exitUsage, "the file to be stored is not there", "a slip in PATH, or another current directory", ""},
	{"ambiguous", exitUsage, "a shortened tombstone that names several files", "too few characters of it", "give more characters"},
	{"chain", exitIntegrity, "the evidence chain is broken", "a line that was edited, or lines that were cut out", "compare with the events in the database: codex archive show TOMBSTONE"},
	{"batch", exitBatch, "items of a batch failed or were not done; the exit code is that of the gravest failure", "an item failed; those after it were skipped, unless --continue-on-error stands", "the results file says what became of each item; --resume does only what is missing"},
	{"evidence", exitEvidence, "evidence could not be written", "a full disk, a directory that cannot be written, or a lock that another process holds", "see evidence.dir in: codex archive config-show"},
	{"failed", exitFailed, "failed for a reason without a kind of its own", "a file of this machine that cannot be read or written", "run it again with --log-level debug to see each step"},
}

// findKind returns the kind with this word. For a word that is not there it is
// a failure without a code of its own.
func findKind(word string) errorKind {
	if i := slices.IndexFunc(errorKinds, func(k errorKind) bool { return k.word == word }); i >= 0 {
		return errorKinds[i]
	}
	return errorKind{word: word, code: exitFailed}
}

// exitHelp is the table of exit codes as the help of every command prints it.
func exitHelp() string {
	var b strings.Builder
	b.WriteString("EXIT CODES:\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&b, "   %3d  %s\n", c.code, strings.ReplaceAll(c.meaning, "\n", "\n        "))
	}
	return b.String()
}
