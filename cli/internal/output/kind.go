package output

import (
	"fmt"
	"slices"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// Code is an exit code, the same for every command.
type Code int

// The exit codes.
const (
	ExitDone        Code = 0
	ExitFailed      Code = 1
	ExitUsage       Code = 2
	ExitBatch       Code = 3
	ExitNotFound    Code = 4
	ExitIntegrity   Code = 5
	ExitBackend     Code = 6
	ExitRefused     Code = 7
	ExitEvidence    Code = 8
	ExitInterrupted Code = 130
)

// Kind is the word that --json prints for how a command failed. It decides on
// the exit code.
type Kind string

// The kinds of this program. Those of backends are [sdk.Kind]s: see [KindOf].
const (
	Usage         Kind = "usage"
	Config        Kind = "config"
	Untrusted     Kind = "untrusted"
	OtherArchive  Kind = "other_archive"
	NoBackend     Kind = "no_backend"
	PluginChanged Kind = "plugin_changed"
	NoFile        Kind = "no_file"
	Ambiguous     Kind = "ambiguous"
	OutputExists  Kind = "output_exists"
	OutputClosed  Kind = "output_closed"
	NotPrinted    Kind = "not_printed"
	NoIdentity    Kind = "no_identity"
	Chain         Kind = "chain"
	Batch         Kind = "batch"
	Evidence      Kind = "evidence"
	Failed        Kind = "failed"
)

// KindOf returns the kind of a backend's error.
func KindOf(k sdk.Kind) Kind { return Kind(k.String()) }

// Code returns the exit code of a kind.
func (k Kind) Code() Code { return k.row().Code }

func (k Kind) row() KindInfo {
	all := Kinds()
	if i := slices.IndexFunc(all, func(row KindInfo) bool { return row.Kind == k }); i >= 0 {
		return all[i]
	}
	return KindInfo{Kind: k, Code: ExitFailed}
}

// CodeInfo explains one exit code. The help prints the meaning, explain all of
// it.
type CodeInfo struct {
	Code    Code
	Meaning string // lines of at most 72 characters
	Causes  []string
	Remedy  []string
}

// Codes returns the exit codes in the order of their numbers.
func Codes() []CodeInfo {
	return []CodeInfo{
		{ExitDone, "done", nil, nil},
		{ExitFailed, "failed for a reason without a code of its own",
			[]string{"a file of this machine that cannot be read or written", "content that was purged on purpose", "a bug, in codex or in a backend"},
			[]string{"the message says what was tried, and on what", "run it again with --log-level debug to see each step"}},
		{ExitUsage, "usage or configuration; nothing was touched",
			[]string{"a missing argument, an unknown flag, a value that is not allowed", "a configuration file with a mistake; the message names file, line and key", "no program for the backend, or one that may not be trusted"},
			[]string{"codex archive COMMAND --help", "codex archive config-show --origin shows where each setting comes from", "codex plugin list shows which backends were found, and where"}},
		{ExitBatch, "a run over several items in which one failed or was not done",
			[]string{"an item failed, and without --continue-on-error the items after it were skipped", "the batch was stopped"},
			[]string{"the results file says for each item what happened, and why, with its own code", "codex archive batch-restore MANIFEST --by WHO --resume does only what is missing"}},
		{ExitNotFound, "no such tombstone",
			[]string{"a slip in the tombstone, or fewer than 8 characters of it", "another archive than the one it was stored in"},
			[]string{"codex archive list shows what is there", "codex archive config-show shows which archive is in use"}},
		{ExitIntegrity, "integrity: content does not match its hash, or the evidence chain\nis broken",
			[]string{"a damaged disk, or content changed behind the archive's back", "content missing from the database", "evidence that was edited, or lines that were cut out of it"},
			[]string{"no damaged file was written: codex archive repair puts content back from elsewhere", "codex archive evidence verify names the first line that breaks the chain"}},
		{ExitBackend, "backend: the plugin would not start or crashed, the database cannot be\nreached or will not serve, a time-out, or a SQLite file that does not\nexist",
			[]string{"a server that is down, a wrong host, user, password or database", "a database that is full, busy, read-only, or of another schema version", "nothing was ever stored here, so that there is no file yet"},
			[]string{"codex archive health-check says which of these it is", "retry.enabled = true repeats temporary errors", "codex archive init makes the archive"}},
		{ExitRefused, "refused: legal hold, retention, four eyes, output exists",
			[]string{"OUTPUT exists and holds other bytes, or is a symbolic link", "a hold is active, the retention lasts, or the same person asked for the purge"},
			[]string{"another OUTPUT, or --force to replace the file", "codex archive show TOMBSTONE shows holds and retention"}},
		{ExitEvidence, "evidence could not be written",
			[]string{"a full disk, a directory that cannot be written, or something that is no log in its place", "another process that has held the log's lock for 30 seconds"},
			[]string{"\"stored, not recorded\": the archive has the file; the next command that can write evidence records it", "otherwise nothing was touched: make the directory that evidence.dir names writable"}},
		{ExitInterrupted, "interrupted",
			[]string{"Ctrl-C, or a signal to end"},
			[]string{"nothing is left half done: run it again", "codex archive batch-restore … --resume goes on where a batch was stopped"}},
	}
}

// KindInfo explains one kind.
type KindInfo struct {
	Kind    Kind
	Code    Code
	Meaning string
	Causes  string
	Hint    string // what to do next, as error messages say it too; "" where that differs from case to case
}

// Kinds returns the kinds of backends first, in the order of [sdk.Kinds], then
// those of this program.
func Kinds() []KindInfo {
	return []KindInfo{
		{KindOf(sdk.Internal), ExitFailed, "a bug in codex or in the backend", "a state that its authors thought impossible", "run it again with --log-level debug, and report what it says"},
		{KindOf(sdk.Invalid), ExitUsage, "the request is wrong and always will be", "a value that no archive takes, such as a NUL in a path", ""},
		{KindOf(sdk.NotFound), ExitNotFound, "no such tombstone", "a slip in the tombstone, or another archive", "codex archive list shows what is there"},
		{KindOf(sdk.Conflict), ExitFailed, "the name is taken by something else", "two different records under one tombstone or event, which chance cannot explain", ""},
		{KindOf(sdk.Purged), ExitFailed, "the content was removed on purpose", "it was purged when its retention was over", "its content was removed on purpose; codex archive show tells by whom"},
		{KindOf(sdk.ContentAbsent), ExitIntegrity, "the record is there and its content is not", "rows deleted from the database by hand, or a backup that was restored in part", "codex archive repair puts lost content back from a directory, a repository or another archive"},
		{KindOf(sdk.Corrupt), ExitIntegrity, "bytes do not match their size, checksum or hash", "a damaged disk, or content changed behind the archive's back", "nothing was written; codex archive repair puts content back; a changed record needs a backup"},
		{KindOf(sdk.Unavailable), ExitBackend, "the database cannot be reached", "refused, unknown host, connection lost, server starting or stopping", "see that the server runs, and that the URL leads to it; codex archive config-show shows backend.url"},
		{KindOf(sdk.Busy), ExitBackend, "the database is busy", "locked by another, too many connections, a transaction lost to another", "try again, or set retry.enabled = true"},
		{KindOf(sdk.Timeout), ExitBackend, "the time allowed is over", "a slow or hanging server, or a --timeout or batch.timeout_per_item too short for the file", "try again with a longer --timeout, and see that the server answers: codex archive config-show names it"},
		{KindOf(sdk.Canceled), ExitInterrupted, "interrupted", "Ctrl-C, or a signal to end", "nothing is left half done: run it again"},
		{KindOf(sdk.Unauthenticated), ExitBackend, "wrong user or password", "a password that has changed, or a variable that is not set", "check the user and the password in the URL, the password file or the environment"},
		{KindOf(sdk.PermissionDenied), ExitBackend, "a right is missing, or the archive is read-only", "a role without rights on the tables, a standby server, a file of another user", "the administrator of the database can grant the right"},
		{KindOf(sdk.NoArchive), ExitBackend, "no such file or database, or no archive in it", "nothing was ever stored here, or backend.url leads elsewhere", "codex archive config-show says which database is meant; codex archive init makes an archive in it"},
		{KindOf(sdk.Schema), ExitBackend, "the archive's schema is older or newer than this codex knows", "another version of codex made it or brought it up to date", "codex archive init --upgrade brings an older schema up to date; for a newer one use a newer codex"},
		{KindOf(sdk.Full), ExitBackend, "the database's disk is full, or a quota or limit of its server is reached", "no space where the database keeps its files, or for a temporary file that the message names; a setting of the server that is too small", "make room where the message says, else where the database keeps its files, or raise the limit that it names, then run the command again"},
		{KindOf(sdk.Limit), ExitUsage, "something is larger than a limit", "a path, note or metadata too long; the message names what and how much is allowed", ""},
		{KindOf(sdk.Refused), ExitRefused, "a hold, retention or four eyes forbid it", "a hold is active, the retention lasts, or the same person asked", ""},
		{KindOf(sdk.Unsupported), ExitUsage, "the backend does not know this request or URL", "an older backend, or an option of the URL that its database does not have", ""},
		{KindOf(sdk.Crashed), ExitBackend, "the backend's process died while it was asked", "a bug in the backend, no memory left, or it was killed", "run it again with --log-level debug to see what the plugin said"},
		{KindOf(sdk.NotStarted), ExitBackend, "the backend's process did not start, or speaks another protocol", "a program for another machine or version, or one that is no backend", "codex plugin list shows which backends were found, and where"},

		{Usage, ExitUsage, "the command line is wrong", "a missing argument, an unknown flag, a value that is not allowed", "codex archive COMMAND --help"},
		{Config, ExitUsage, "the configuration is wrong", "a mistake in a file, a variable or a flag; the message names it and what is allowed", "codex archive config-show --origin shows where each setting comes from"},
		{Untrusted, ExitUsage, "the project's own file is not trusted and names what needs trust", "a clone brought .codex/archive.toml, or a pull changed it; nothing was sent and no file was opened", "codex archive trust shows the file and asks"},
		{OtherArchive, ExitUsage, "this project's archive is another one", "a configuration that is gone, as by git clean or git stash", "write backend.url into .codex/archive.toml, or bring that file back, or name the archive with --url"},
		{NoBackend, ExitUsage, "no program for the backend, or one that may not be trusted", "it is not installed, or it or its directory can be written by others", "codex plugin list shows which backends were found, and where"},
		{PluginChanged, ExitUsage, "the backend's program is not the one that plugins.lock names", "an update, another build, or an exchanged program; it was not run", "if you trust the program that is there now: codex plugin lock"},
		{NoFile, ExitUsage, "a file that was named is not there", "a slip in its path, or another current directory", ""},
		{OutputExists, ExitRefused, "OUTPUT exists", "OUTPUT holds other bytes, or is a symbolic link or a special file", "another OUTPUT, or --force to replace the file"},
		{OutputClosed, ExitFailed, "the reader of stdout went away", "a pipe such as | head -c 1000", ""},
		{NotPrinted, ExitFailed, "the result could not be written to stdout", "a full disk behind stdout; what the command does is done all the same", ""},
		{Ambiguous, ExitUsage, "a shortened tombstone that names several files", "too few characters of it", "give more characters"},
		{NoIdentity, ExitUsage, "the content is encrypted, and no identity at hand decrypts it", "archive.identity_file is not set, or has the key of another recipient", "name the file of a recipient's private key: archive.identity_file, or CODEX_ARCHIVE_IDENTITY_FILE"},
		{Chain, ExitIntegrity, "the evidence chain is broken", "a line that was edited, or lines that were cut out", "compare with the events in the database: codex archive show TOMBSTONE"},
		{Batch, ExitBatch, "items of a run failed or were not done", "an item failed, and without --continue-on-error the items after it were skipped", "the results file says what happened to each item; --resume does only what is missing"},
		{Evidence, ExitEvidence, "evidence could not be written", "a full disk, a directory that cannot be written, or a lock that another process holds", "see evidence.dir in: codex archive config-show"},
		{Failed, ExitFailed, "failed for a reason without a kind of its own", "a file of this machine that cannot be read or written", "run it again with --log-level debug to see each step"},
	}
}

// ExitHelp is the table of exit codes as the help of every command prints it.
func ExitHelp() string {
	var b strings.Builder
	b.WriteString("EXIT CODES:\n")
	for _, c := range Codes() {
		fmt.Fprintf(&b, "   %3d  %s\n", c.Code, strings.ReplaceAll(c.Meaning, "\n", "\n        "))
	}
	return b.String()
}
