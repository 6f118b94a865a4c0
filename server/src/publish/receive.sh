set -eu
# Whatever came before is a greeting of the shell, perhaps without the end of its line.
printf '\n%s\n' 'osa-publish: begin'
umask 022
mkdir -p -- "$root"
cd -- "$root"
for old in .osa-publish.*; do
    [ -d "$old" ] || continue
    kill -0 "${old##*.}" 2>/dev/null || rm -rf -- "$old"
done
new=.osa-publish.$$
trap 'rm -rf -- "$new"' EXIT
trap 'exit 1' HUP INT TERM PIPE
mkdir -- "$new"
: >"$new/list"
read -r count
number=0
while [ "$number" -lt "$count" ]; do
    read -r size modified path
    number=$((number + 1))
    have=$(stat -c '%s %Y' -- "$path" 2>/dev/null) || have=
    if [ "$have" = "$size $modified" ]; then
        echo "same $number"
    else
        echo "want $number"
        printf '%s %s\n' "$number" "$path" >>"$new/list"
    fi
done
echo ready
[ -s "$new/list" ] || exit 0
mkdir -- "$new/files"
tar xf - -C "$new/files"
while read -r number path; do
    mkdir -p -- "${path%/*}"
    mv -f -- "$new/files/$number" "$path"
    echo "done $number"
done <"$new/list"
