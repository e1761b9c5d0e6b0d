"""A backend of codex archive on SQLite, for the program beside this directory.

errors, checks  what the contract says of errors and limits
intake          a Put on its way in
database        the file: connections and transactions
store           what an archive does, in SQL
service         the calls of archive.proto, on top of all that
archive_pb2     the messages: made from archive.proto, see the program's head
"""
