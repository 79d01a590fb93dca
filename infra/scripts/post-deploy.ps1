# Subscribes the deployed app to the blob events of the images container. Safe to run again: it deploys what is described
# in infra/subscriptions.bicep. azd runs it after each deployment; by hand: `azd hooks run postdeploy`.
$ErrorActionPreference = 'Stop'
. (Join-Path $PSScriptRoot 'az.ps1')

$needed = 'FUNCTION_APP_NAME', 'AZURE_RESOURCE_GROUP', 'SYSTEM_TOPIC_NAME', 'SYSTEM_TOPIC_RESOURCE_GROUP', 'IMAGES_ACCOUNT_NAME', 'IMAGES_ACCOUNT_RESOURCE_GROUP', 'IMAGE_CONTAINER', 'EVENTS_QUEUE', 'DEAD_LETTER_ACCOUNT_NAME', 'DEAD_LETTER_CONTAINER'
foreach ($name in $needed) {
    if (-not [Environment]::GetEnvironmentVariable($name)) {
        throw "$name is not set: run azd provision first"
    }
}

$tries = 20
$pauseSeconds = 15
$template = Join-Path $PSScriptRoot '..' 'subscriptions.bicep'
$prefix = if ($env:DEDUP_NAMESPACE) { "$($env:DEDUP_NAMESPACE)-" } else { '' } # of the names of subscriptions: two apps may share a topic
$delivery = if ($env:EVENT_DELIVERY) { $env:EVENT_DELIVERY } else { 'trigger' } # none: provisioned before there was a choice
switch ($delivery) {
    'trigger' { $functionsNeeded = 'extract_features', 'retract_image'; $others = @("dedup-${prefix}images-queued") }
    'queue' { $functionsNeeded = @('take_blob_events'); $others = "dedup-${prefix}images-created", "dedup-${prefix}images-deleted" }
    default { throw "EVENT_DELIVERY is '$delivery'; set it to trigger or queue" }
}

Assert-Az 'subscribe to blob events' 'postdeploy'

# Event Grid sets aside what it cannot deliver, and fills the queue, as the topic; one that was there before may lack an
# identity of its own. Getting one changes nothing else about it.
$identity = az eventgrid system-topic show --name $env:SYSTEM_TOPIC_NAME --resource-group $env:SYSTEM_TOPIC_RESOURCE_GROUP `
    --query 'identity.type' --output tsv @subscription
if ($LASTEXITCODE -ne 0) { throw "$($env:SYSTEM_TOPIC_NAME) cannot be looked at" }
if (-not $identity -or $identity -eq 'None') {
    az eventgrid system-topic update --name $env:SYSTEM_TOPIC_NAME --resource-group $env:SYSTEM_TOPIC_RESOURCE_GROUP `
        --identity systemassigned --output none @subscription
    if ($LASTEXITCODE -ne 0) { throw "$($env:SYSTEM_TOPIC_NAME) could not be given an identity" }
}
elseif ($identity -notmatch 'SystemAssigned') {
    throw "$($env:SYSTEM_TOPIC_NAME) has user-assigned identities only; give it a system-assigned one too, then: azd hooks run postdeploy"
}

# The functions, and the key of the webhook, appear a while after the code has been deployed.
function Test-Ready {
    $functions = az functionapp function list --name $env:FUNCTION_APP_NAME --resource-group $env:AZURE_RESOURCE_GROUP `
        --query '[].name' --output tsv @subscription
    if ($LASTEXITCODE -ne 0) { return $false }
    foreach ($name in $functionsNeeded) {
        if (-not ($functions -match $name)) { return $false }
    }
    if ($delivery -ne 'trigger') { return $true }
    $hasKey = az functionapp keys list --name $env:FUNCTION_APP_NAME --resource-group $env:AZURE_RESOURCE_GROUP `
        --query 'systemKeys.blobs_extension != null' --output tsv @subscription
    return ($LASTEXITCODE -eq 0) -and ($hasKey -eq 'true')
}

# The handshake fails while the app is still starting, and a role needs minutes to be known everywhere; the deployment is
# the same however often it is sent.
function Invoke-Subscribe {
    $parameters = @(
        "functionAppName=$($env:FUNCTION_APP_NAME)"
        "functionAppResourceGroupName=$($env:AZURE_RESOURCE_GROUP)"
        "systemTopicName=$($env:SYSTEM_TOPIC_NAME)"
        "imagesAccountName=$($env:IMAGES_ACCOUNT_NAME)"
        "imagesAccountResourceGroupName=$($env:IMAGES_ACCOUNT_RESOURCE_GROUP)"
        "imageContainer=$($env:IMAGE_CONTAINER)"
        "eventDelivery=$delivery"
        "eventsQueue=$($env:EVENTS_QUEUE)"
        "namespace=$($env:DEDUP_NAMESPACE)"
        "deadLetterAccountName=$($env:DEAD_LETTER_ACCOUNT_NAME)"
        "deadLetterContainer=$($env:DEAD_LETTER_CONTAINER)"
    )
    az deployment group create --name "$($env:FUNCTION_APP_NAME)-subscriptions" --resource-group $env:SYSTEM_TOPIC_RESOURCE_GROUP `
        --template-file $template --output none --parameters $parameters @subscription | Out-Null
    return $LASTEXITCODE -eq 0
}

# What the host says of itself: a wrong setting, for example, which elsewhere only shows as an app without functions.
function Write-HostStatus {
    $appId = az functionapp show --name $env:FUNCTION_APP_NAME --resource-group $env:AZURE_RESOURCE_GROUP --query 'id' --output tsv @subscription
    if ($LASTEXITCODE -ne 0) { return }
    $status = az rest --method get --url "https://management.azure.com$appId/hostruntime/admin/host/status?api-version=2022-03-01" `
        --query 'errors' --output yaml @subscription
    if ($LASTEXITCODE -eq 0) { Write-Host ($status -join "`n") }
}

for ($try = 1; -not ((Test-Ready) -and (Invoke-Subscribe)); $try++) {
    if ($try -ge $tries) {
        Write-Host "$($env:FUNCTION_APP_NAME) does not answer to blob events yet. Its host says:"
        Write-HostStatus
        throw 'Look at its log, then: azd hooks run postdeploy'
    }
    Write-Host "Waiting for $($env:FUNCTION_APP_NAME) to start ($try of $tries)"
    Start-Sleep -Seconds $pauseSeconds
}
# Only now, so that no event falls between the two ways of delivery.
foreach ($name in $others) {
    az eventgrid system-topic event-subscription show --name $name --system-topic-name $env:SYSTEM_TOPIC_NAME `
        --resource-group $env:SYSTEM_TOPIC_RESOURCE_GROUP --output none @subscription 2>$null
    if ($LASTEXITCODE -ne 0) { continue }
    az eventgrid system-topic event-subscription delete --name $name --system-topic-name $env:SYSTEM_TOPIC_NAME `
        --resource-group $env:SYSTEM_TOPIC_RESOURCE_GROUP --yes --output none @subscription
    if ($LASTEXITCODE -ne 0) { throw "The subscription $name could not be removed: events come twice until it is" }
}
Write-Host "$($env:FUNCTION_APP_NAME) is told of every image in $($env:IMAGE_CONTAINER). Images that were there before: dedup ingest --all"
