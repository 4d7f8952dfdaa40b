#!/usr/bin/env bash
# Write the commit of each action's tag in its place in the workflows, the tag as a comment. Needs git and a network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.github/workflows"
grep -hoE 'uses: [^@ ]+@[^ ]+$' ./*.yml | sort -u | while read -r _ action; do
    name=${action%@*} tag=${action#*@}
    # of an annotated tag the line that ends in ^{} names the commit, and comes last
    commit=$(git ls-remote "https://github.com/$name" "refs/tags/$tag" "refs/tags/$tag^{}" "refs/heads/$tag" | tail -n 1 | cut -f 1)
    [[ $commit =~ ^[0-9a-f]{40}$ ]] || { echo "$action: no such tag" >&2; exit 1; }
    sed -i.old "s|uses: $action\$|uses: $name@$commit # $tag|" ./*.yml
    rm -f ./*.old
done
