# The Azure CLI, for the scripts beside this one, which read it in.
# shellcheck shell=sh

# need_az WHAT_FOR HOOK: ends with what to do where there is none, or lets each `az` name the subscription:
# `az account set` would choose it for all that is done on this machine afterwards.
need_az() {
    command -v az >/dev/null || {
        echo "The Azure CLI (az) is needed to $1; install it, run az login, then: azd hooks run $2" >&2
        exit 1
    }
    az() { command az "$@" ${AZURE_SUBSCRIPTION_ID:+--subscription "$AZURE_SUBSCRIPTION_ID"}; }
}
