# Runs a database server for as long as standard input stays open.
#
#     watch.sh SIGNAL DIRECTORY COMMAND...
#
# Prints the server's process id. When the input ends, which also happens when
# the test process is killed, the server gets SIGNAL and DIRECTORY is removed.
# When the server ends first, so does this, and DIRECTORY stays.
signal=$1 directory=$2
shift 2
# The input gets a number of its own: "&" puts /dev/null in its place.
exec 3<&0
"$@" </dev/null >>"$directory/log" 2>&1 3<&- &
server=$!
echo "$server"
exec >>"$directory/log" 2>&1

ended=
trap 'ended=yes; kill -s "$signal" "$server"' USR1
{ while read -r _; do :; done <&3; kill -s USR1 $$; } &
reader=$!

# The trap interrupts a wait.
while kill -s 0 "$server" 2>/dev/null; do wait "$server"; done
kill "$reader" 2>/dev/null
[ -z "$ended" ] || rm -rf "$directory"
