package main

import (
	"embed"
	"errors"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

//go:embed schema/*.sql
var schema embed.FS

// dialect is what SQLite does differently.
func dialect() *sqlbackend.Dialect {
	text, err := schema.ReadFile("schema/0001_archive.sql")
	if err != nil {
		panic(err) // the name above is wrong
	}
	return &sqlbackend.Dialect{
		Connect:  connect,
		Classify: classify,
		Schema: sqlbackend.Schema{
			Files:  schema,
			Atomic: true,
			Objects: `SELECT type || ' ' || name, replace(sql, '"', '') FROM sqlite_schema
		WHERE name LIKE 'codex\_%' ESCAPE '\' AND (type = 'table' OR sql LIKE 'CREATE UNIQUE %')`,
			Definitions: definitions(string(text)),
			Tables:      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'codex\_%' ESCAPE '\'`,
		},
		Server: sqlbackend.Server{
			Version: "SELECT 'SQLite ' || sqlite_version()",
			Now:     "CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000",
			Length:  "length(?)",
		},
		Locks:      sqlbackend.Locks{Begin: "BEGIN IMMEDIATE", OneWriter: true, CommitDelay: 2 * time.Millisecond, SlowCommit: "the disk"},
		Statements: sqlbackend.Statements{IgnoreContext: true, Direct: true},
		Insert:     sqlbackend.Insert{IgnoreSuffix: "ON CONFLICT DO NOTHING", Shapes: []int{1}, Pack: pack},
	}
}

// definitions are the tables and unique indexes that a schema file makes. SQLite
// keeps their text, and a tool that copies an archive may only add quotes.
func definitions(schema string) (list []string) {
	for statement := range strings.SplitSeq(schema, ";\n") {
		for kind, begin := range map[string]string{"table": "CREATE TABLE ", "index": "CREATE UNIQUE INDEX "} {
			if _, text, found := strings.Cut(statement, begin); found {
				name, _, _ := strings.Cut(text, " ")
				list = append(list, kind+" "+name+"\t"+begin+text)
			}
		}
	}
	return list
}

// classes maps result codes, exact ones before primary ones, which are the low
// byte of the exact.
var classes = map[int]sqlbackend.Class{
	lib.SQLITE_CONSTRAINT_PRIMARYKEY: {Kind: sdk.Conflict, ServerReplied: true},
	lib.SQLITE_CONSTRAINT_UNIQUE:     {Kind: sdk.Conflict, ServerReplied: true},
	lib.SQLITE_CONSTRAINT_FOREIGNKEY: {Kind: sdk.Internal, ServerReplied: true},
	lib.SQLITE_IOERR_WRITE:           {Kind: sdk.Unavailable, Permanent: true, Msg: "the disk reports an error, or this process may not write files of that size (ulimit -f)"},
	lib.SQLITE_IOERR_DATA:            {Kind: sdk.Corrupt},
	lib.SQLITE_IOERR_CORRUPTFS:       {Kind: sdk.Corrupt},
	// Of the file that all who have the archive open share, which a full disk has
	// no room for even where nothing is to be written.
	lib.SQLITE_IOERR_SHMSIZE: {Kind: sdk.Full, Msg: "the disk is full: not even reading works, which needs a few KiB beside the archive"},

	lib.SQLITE_READONLY_DIRECTORY: {Kind: sdk.PermissionDenied, ServerReplied: true, Msg: "the directory of the archive cannot be written"},

	lib.SQLITE_ERROR:      {Kind: sdk.Internal, ServerReplied: true},
	lib.SQLITE_PERM:       {Kind: sdk.PermissionDenied, ServerReplied: true},
	lib.SQLITE_BUSY:       {Kind: sdk.Busy, ServerReplied: true, Msg: "the archive is locked by another program"},
	lib.SQLITE_LOCKED:     {Kind: sdk.Busy, ServerReplied: true},
	lib.SQLITE_NOMEM:      {Kind: sdk.Busy, Permanent: true},
	lib.SQLITE_READONLY:   {Kind: sdk.PermissionDenied, ServerReplied: true, Msg: "the archive cannot be written"},
	lib.SQLITE_INTERRUPT:  {Kind: sdk.Canceled, ServerReplied: true},
	lib.SQLITE_IOERR:      {Kind: sdk.Unavailable, Permanent: true, Msg: "the disk reports an error"},
	lib.SQLITE_CORRUPT:    {Kind: sdk.Corrupt, ServerReplied: true, Msg: "the database file is damaged"},
	lib.SQLITE_FULL:       {Kind: sdk.Full, ServerReplied: true, Msg: "the disk is full, or the database at its limit"},
	lib.SQLITE_CANTOPEN:   {Kind: sdk.PermissionDenied, ServerReplied: true, Msg: "a file of the archive cannot be opened or made"},
	lib.SQLITE_PROTOCOL:   {Kind: sdk.Busy, ServerReplied: true},
	lib.SQLITE_SCHEMA:     {Kind: sdk.Busy, ServerReplied: true},
	lib.SQLITE_TOOBIG:     {Kind: sdk.Full, ServerReplied: true, Msg: "a value or a statement is larger than SQLite takes"},
	lib.SQLITE_CONSTRAINT: {Kind: sdk.Invalid, ServerReplied: true},
	lib.SQLITE_MISMATCH:   {Kind: sdk.Invalid, ServerReplied: true},
	lib.SQLITE_NOLFS:      {Kind: sdk.Full, ServerReplied: true, Msg: "the archive is larger than files of this system may be"},
	lib.SQLITE_AUTH:       {Kind: sdk.PermissionDenied, ServerReplied: true},
	lib.SQLITE_NOTADB:     {Kind: sdk.NoArchive, ServerReplied: true, Msg: "the file is not a SQLite database, or its first page is damaged"},
}

// classify goes by the result code.
func classify(err error) sqlbackend.Class {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return sqlbackend.Class{}
	}
	c, ok := classes[e.Code()]
	if !ok {
		c, ok = classes[e.Code()&0xff]
	}
	if !ok {
		c = sqlbackend.Class{Kind: sdk.Internal}
	}
	c.Native = strconv.Itoa(e.Code())
	return c
}
