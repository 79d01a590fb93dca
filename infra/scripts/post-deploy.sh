#!/bin/sh
# Subscribes the deployed functions to the blob events of the images container. Safe to run again: it deploys what is
# described in infra/subscriptions.bicep. azd runs it after each deployment; by hand: `azd hooks run postdeploy`.
set -eu

: "${FUNCTION_APP_NAME:?run azd provision first}"
: "${AZURE_RESOURCE_GROUP:?run azd provision first}"
: "${SYSTEM_TOPIC_NAME:?run azd provision first}"
: "${SYSTEM_TOPIC_RESOURCE_GROUP:?run azd provision first}"
: "${IMAGE_CONTAINER:?run azd provision first}"
: "${DEAD_LETTER_CONTAINER:?run azd provision first}"

TRIES=20
PAUSE_SECONDS="${PAUSE_SECONDS:-15}"
TEMPLATE="$(dirname "$0")/../subscriptions.bicep"

command -v az >/dev/null || {
    echo "The Azure CLI (az) is needed to subscribe to blob events; install it, run az login, then: azd hooks run postdeploy" >&2
    exit 1
}
if [ -n "${AZURE_SUBSCRIPTION_ID:-}" ]; then
    az account set --subscription "$AZURE_SUBSCRIPTION_ID"
fi

# The key of the webhook and the functions appear a while after the code has been deployed.
ready() {
    functions=$(az functionapp function list --name "$FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
        --query "[].name" --output tsv) || return 1
    case "$functions" in *extract_features*) ;; *) return 1 ;; esac
    case "$functions" in *retract_image*) ;; *) return 1 ;; esac
    has_key=$(az functionapp keys list --name "$FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
        --query "systemKeys.blobs_extension != null" --output tsv) || return 1
    case "$has_key" in [Tt]rue) ;; *) return 1 ;; esac
}

# The handshake fails while the app is still starting; the deployment is the same however often it is sent.
subscribe() {
    az deployment group create --name dedup-subscriptions --resource-group "$SYSTEM_TOPIC_RESOURCE_GROUP" \
        --template-file "$TEMPLATE" --output none --parameters \
        functionAppName="$FUNCTION_APP_NAME" functionAppResourceGroupName="$AZURE_RESOURCE_GROUP" \
        systemTopicName="$SYSTEM_TOPIC_NAME" imageContainer="$IMAGE_CONTAINER" \
        deadLetterAccountId="${DEAD_LETTER_ACCOUNT_ID:-}" deadLetterContainer="$DEAD_LETTER_CONTAINER"
}

try=1
until ready && subscribe; do
    if [ "$try" -ge "$TRIES" ]; then
        echo "$FUNCTION_APP_NAME does not answer to blob events yet; look at its log, then: azd hooks run postdeploy" >&2
        exit 1
    fi
    echo "Waiting for $FUNCTION_APP_NAME to start ($try of $TRIES)"
    try=$((try + 1))
    sleep "$PAUSE_SECONDS"
done
echo "$FUNCTION_APP_NAME is told of every image in $IMAGE_CONTAINER. Images that were there before: dedup ingest --all"
