#!/bin/sh
# Subscribes the deployed app to the blob events of the images container. Safe to run again: it deploys what is described
# in infra/subscriptions.bicep. azd runs it after each deployment; by hand: `azd hooks run postdeploy`.
set -eu
# shellcheck source=infra/scripts/az.sh
. "$(dirname "$0")/az.sh"

: "${FUNCTION_APP_NAME:?run azd provision first}"
: "${AZURE_RESOURCE_GROUP:?run azd provision first}"
: "${SYSTEM_TOPIC_NAME:?run azd provision first}"
: "${SYSTEM_TOPIC_RESOURCE_GROUP:?run azd provision first}"
: "${IMAGES_ACCOUNT_NAME:?run azd provision first}"
: "${IMAGES_ACCOUNT_RESOURCE_GROUP:?run azd provision first}"
: "${IMAGE_CONTAINER:?run azd provision first}"
: "${EVENTS_QUEUE:?run azd provision first}"
: "${DEAD_LETTER_ACCOUNT_NAME:?run azd provision first}"
: "${DEAD_LETTER_CONTAINER:?run azd provision first}"

TRIES=20
PAUSE_SECONDS="${PAUSE_SECONDS:-15}"
TEMPLATE="$(dirname "$0")/../subscriptions.bicep"
prefix="${DEDUP_NAMESPACE:+$DEDUP_NAMESPACE-}" # of the names of subscriptions: two apps may share a topic
delivery="${EVENT_DELIVERY:-trigger}" # none: provisioned before there was a choice
case "$delivery" in
    trigger) functions_needed="extract_features retract_image" others="dedup-${prefix}images-queued" ;;
    queue) functions_needed="take_blob_events" others="dedup-${prefix}images-created dedup-${prefix}images-deleted" ;;
    *)
        echo "EVENT_DELIVERY is '$delivery'; set it to trigger or queue" >&2
        exit 1 ;;
esac

need_az "subscribe to blob events" postdeploy

# Event Grid sets aside what it cannot deliver, and fills the queue, as the topic; one that was there before may lack an
# identity of its own. Getting one changes nothing else about it.
identity=$(az eventgrid system-topic show --name "$SYSTEM_TOPIC_NAME" --resource-group "$SYSTEM_TOPIC_RESOURCE_GROUP" \
    --query "identity.type" --output tsv)
case "$identity" in
    *SystemAssigned*) ;;
    "" | None)
        az eventgrid system-topic update --name "$SYSTEM_TOPIC_NAME" --resource-group "$SYSTEM_TOPIC_RESOURCE_GROUP" \
            --identity systemassigned --output none ;;
    *)
        echo "$SYSTEM_TOPIC_NAME has user-assigned identities only; give it a system-assigned one too, then: azd hooks run postdeploy" >&2
        exit 1 ;;
esac

# The functions, and the key of the webhook, appear a while after the code has been deployed.
ready() {
    functions=$(az functionapp function list --name "$FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
        --query "[].name" --output tsv) || return 1
    for name in $functions_needed; do
        case "$functions" in *"$name"*) ;; *) return 1 ;; esac
    done
    [ "$delivery" = trigger ] || return 0
    has_key=$(az functionapp keys list --name "$FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
        --query "systemKeys.blobs_extension != null" --output tsv) || return 1
    case "$has_key" in [Tt]rue) ;; *) return 1 ;; esac
}

# The handshake fails while the app is still starting, and a role needs minutes to be known everywhere; the deployment is
# the same however often it is sent.
subscribe() {
    az deployment group create --name "$FUNCTION_APP_NAME-subscriptions" --resource-group "$SYSTEM_TOPIC_RESOURCE_GROUP" \
        --template-file "$TEMPLATE" --output none --parameters \
        functionAppName="$FUNCTION_APP_NAME" functionAppResourceGroupName="$AZURE_RESOURCE_GROUP" \
        systemTopicName="$SYSTEM_TOPIC_NAME" imagesAccountName="$IMAGES_ACCOUNT_NAME" \
        imagesAccountResourceGroupName="$IMAGES_ACCOUNT_RESOURCE_GROUP" imageContainer="$IMAGE_CONTAINER" \
        eventDelivery="$delivery" eventsQueue="$EVENTS_QUEUE" namespace="${DEDUP_NAMESPACE:-}" \
        deadLetterAccountName="$DEAD_LETTER_ACCOUNT_NAME" deadLetterContainer="$DEAD_LETTER_CONTAINER"
}

# What the host says of itself: a wrong setting, for example, which elsewhere only shows as an app without functions.
tell_what_the_host_says() {
    app_id=$(az functionapp show --name "$FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
        --query "id" --output tsv) || return 0
    az rest --method get --url "https://management.azure.com$app_id/hostruntime/admin/host/status?api-version=2022-03-01" \
        --query "errors" --output yaml >&2 || true
}

try=1
until ready && subscribe; do
    if [ "$try" -ge "$TRIES" ]; then
        echo "$FUNCTION_APP_NAME does not answer to blob events yet. Its host says:" >&2
        tell_what_the_host_says
        echo "Look at its log, then: azd hooks run postdeploy" >&2
        exit 1
    fi
    echo "Waiting for $FUNCTION_APP_NAME to start ($try of $TRIES)"
    try=$((try + 1))
    sleep "$PAUSE_SECONDS"
done
# Only now, so that no event falls between the two ways of delivery.
for name in $others; do
    if az eventgrid system-topic event-subscription show --name "$name" --system-topic-name "$SYSTEM_TOPIC_NAME" \
        --resource-group "$SYSTEM_TOPIC_RESOURCE_GROUP" --output none 2>/dev/null; then
        az eventgrid system-topic event-subscription delete --name "$name" --system-topic-name "$SYSTEM_TOPIC_NAME" \
            --resource-group "$SYSTEM_TOPIC_RESOURCE_GROUP" --yes --output none
    fi
done
echo "$FUNCTION_APP_NAME is told of every image in $IMAGE_CONTAINER. Images that were there before: dedup ingest --all"
