#!/bin/sh
# Puts the index, queues, tables and roles into an images account that was there before (infra/modules/images-data.bicep).
# Safe to run again. azd runs it after each provisioning; it is no part of azd's own deployment, because `azd down`
# deletes every resource group that such a deployment has reached, and with this one the images.
set -eu
# shellcheck source=infra/scripts/az.sh
. "$(dirname "$0")/az.sh"

: "${IMAGES_ACCOUNT_IS_NEW:?run azd provision first}"
case "$IMAGES_ACCOUNT_IS_NEW" in
    [Tt]rue) exit 0 ;; # main.bicep has made the account and all that is in it
esac
: "${IMAGES_ACCOUNT_NAME:?run azd provision first}"
: "${IMAGES_ACCOUNT_RESOURCE_GROUP:?run azd provision first}"
: "${FUNCTION_APP_NAME:?run azd provision first}"
: "${APP_PRINCIPAL_ID:?run azd provision first}"
: "${IMAGE_CONTAINER:?run azd provision first}"
: "${INDEX_CONTAINER:?run azd provision first}"
: "${VERIFY_QUEUE:?run azd provision first}"
: "${INGEST_QUEUE:?run azd provision first}"
: "${EVENTS_QUEUE:?run azd provision first}"

need_az "prepare $IMAGES_ACCOUNT_NAME" postprovision
# Named after the app: several may prepare accounts of one group at the same time.
az deployment group create --name "$FUNCTION_APP_NAME-images-data" --resource-group "$IMAGES_ACCOUNT_RESOURCE_GROUP" \
    --template-file "$(dirname "$0")/../modules/images-data.bicep" --output none --parameters \
    accountName="$IMAGES_ACCOUNT_NAME" imageContainer="$IMAGE_CONTAINER" indexContainer="$INDEX_CONTAINER" \
    verifyQueue="$VERIFY_QUEUE" ingestQueue="$INGEST_QUEUE" eventsQueue="$EVENTS_QUEUE" \
    namespace="${DEDUP_NAMESPACE:-}" \
    appPrincipalId="$APP_PRINCIPAL_ID" personPrincipalId="${PERSON_PRINCIPAL_ID:-}" personPrincipalType="${PERSON_PRINCIPAL_TYPE:-User}" \
    originalLinks="${ORIGINAL_LINKS:-true}" tagImages="${TAG_IMAGES:-false}"
echo "$IMAGES_ACCOUNT_NAME has what the app needs beside the images"
