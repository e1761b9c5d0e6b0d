// Package config knows every setting of the program: where its value comes
// from, what it may be, and what it was before something else overruled it.
//
// Values come from five layers: flags, the file the user names, the project's
// own file, the environment, defaults. They are merged key by key, the highest
// layer that speaks about a key wins. One table ([Keys]) says everything there
// is to say about a key, and everything else follows from it: reading files,
// checking ranges, the environment, the commented file of [Template].
//
// The project's own file may have been written by a stranger: cloning a
// repository is enough to have one. It can therefore name no program, write
// nothing outside the project and read only a few environment variables.
package config

import "time"

// Config is every setting, checked and with defaults filled in. Paths are
// absolute. Backend.URL holds secrets: print it through [Loaded.Origin] only.
type Config struct {
	Backend     Backend
	Logging     Logging
	Retry       Retry
	Batch       Batch
	Performance Performance
	Archive     Archive
	Retention   Retention
	Verify      Verify
	Evidence    Evidence
	Plugins     Plugins
}

// Backend says which archive to use.
type Backend struct {
	Type         string // NAME of the program codex-archive-NAME
	URL          string // secrets included, ${NAME} replaced
	PasswordFile string // "" where there is none; [Loaded.Password] reads it
}

// Logging says what is logged, how and where.
type Logging struct {
	Level  string // debug, info, warn or error
	Format string // json or text; Loaded.Chosen("logging.format") tells whether it was chosen
	File   string // "" where there is none
}

// Retry says whether and when a call is repeated.
type Retry struct {
	Enabled       bool
	MaxAttempts   int // the first try included, 1 to 10
	InitialDelay  time.Duration
	MaxDelay      time.Duration // at least InitialDelay
	BackoffFactor float64       // 1 to 10
	Jitter        bool
}

// Batch says how many files are restored together.
type Batch struct {
	MaxConcurrent   int           // 1 to 32
	TimeoutPerItem  time.Duration // above 0
	ContinueOnError bool
}

// Performance says what is measured.
type Performance struct {
	EnableMetrics      bool
	TrackDecompression bool
}

// Archive says how files are stored.
type Archive struct {
	Codec   string   // auto, zstd or none
	Level   string   // fastest, default, better or best
	Reasons []string // words that store accepts as reason, at least one

	RecipientsFile string // whom new content is encrypted to; "": it is not encrypted
	IdentityFile   string // the private keys that encrypted content is read with; "": none
}

// Retention says how long records are kept at least.
type Retention struct {
	Default    int // days for new records, 0 for none
	WarnWithin int // days before the end of retention in which a WARN is given
}

// Verify says how often content is to be verified.
type Verify struct {
	MaxAge int // days, 0 for none
}

// Evidence says where the evidence log is.
type Evidence struct {
	Dir string
}

// Plugins says how backend programs are started.
type Plugins struct {
	StartTimeout time.Duration // above 0
	PassEnv      []string      // names of variables a backend sees besides the fixed ones
}
