# Puts the index, queues, tables and roles into an images account that was there before (infra/modules/images-data.bicep).
# Safe to run again. azd runs it after each provisioning; it is no part of azd's own deployment, because `azd down`
# deletes every resource group that such a deployment has reached, and with this one the images.
$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot 'az.ps1')

if (-not $env:IMAGES_ACCOUNT_IS_NEW) { throw 'IMAGES_ACCOUNT_IS_NEW is not set: run azd provision first' }
if ($env:IMAGES_ACCOUNT_IS_NEW -eq 'true') { exit 0 } # main.bicep has made the account and all that is in it

$needed = 'IMAGES_ACCOUNT_NAME', 'IMAGES_ACCOUNT_RESOURCE_GROUP', 'FUNCTION_APP_NAME', 'APP_PRINCIPAL_ID', 'IMAGE_CONTAINER', 'INDEX_CONTAINER', 'VERIFY_QUEUE', 'INGEST_QUEUE', 'EVENTS_QUEUE'
foreach ($name in $needed) {
    if (-not [Environment]::GetEnvironmentVariable($name)) {
        throw "$name is not set: run azd provision first"
    }
}
Assert-Az "prepare $($env:IMAGES_ACCOUNT_NAME)" 'postprovision'
$template = Join-Path $PSScriptRoot '..' 'modules' 'images-data.bicep'
$personType = if ($env:PERSON_PRINCIPAL_TYPE) { $env:PERSON_PRINCIPAL_TYPE } else { 'User' }
$originalLinks = if ($env:ORIGINAL_LINKS) { $env:ORIGINAL_LINKS } else { 'true' }
$tagImages = if ($env:TAG_IMAGES) { $env:TAG_IMAGES } else { 'false' }
$parameters = @(
    "accountName=$($env:IMAGES_ACCOUNT_NAME)"
    "imageContainer=$($env:IMAGE_CONTAINER)"
    "indexContainer=$($env:INDEX_CONTAINER)"
    "verifyQueue=$($env:VERIFY_QUEUE)"
    "ingestQueue=$($env:INGEST_QUEUE)"
    "eventsQueue=$($env:EVENTS_QUEUE)"
    "namespace=$($env:DEDUP_NAMESPACE)"
    "appPrincipalId=$($env:APP_PRINCIPAL_ID)"
    "personPrincipalId=$($env:PERSON_PRINCIPAL_ID)"
    "personPrincipalType=$personType"
    "originalLinks=$originalLinks"
    "tagImages=$tagImages"
)
# Named after the app: several may prepare accounts of one group at the same time.
az deployment group create --name "$($env:FUNCTION_APP_NAME)-images-data" --resource-group $env:IMAGES_ACCOUNT_RESOURCE_GROUP `
    --template-file $template --output none --parameters $parameters @subscription
if ($LASTEXITCODE -ne 0) { throw "$($env:IMAGES_ACCOUNT_NAME) could not be prepared" }
Write-Host "$($env:IMAGES_ACCOUNT_NAME) has what the app needs beside the images"
