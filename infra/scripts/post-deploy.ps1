# Subscribes the deployed functions to the blob events of the images container. Safe to run again: it deploys what is
# described in infra/subscriptions.bicep. azd runs it after each deployment; by hand: `azd hooks run postdeploy`.
$ErrorActionPreference = 'Stop'
# az tells of failures by its exit code, which is looked at below; newer PowerShells would stop at the first one.
$PSNativeCommandUseErrorActionPreference = $false

$needed = 'FUNCTION_APP_NAME', 'AZURE_RESOURCE_GROUP', 'SYSTEM_TOPIC_NAME', 'SYSTEM_TOPIC_RESOURCE_GROUP', 'IMAGE_CONTAINER', 'DEAD_LETTER_CONTAINER'
foreach ($name in $needed) {
    if (-not [Environment]::GetEnvironmentVariable($name)) {
        throw "$name is not set: run azd provision first"
    }
}

$tries = 20
$pauseSeconds = 15
$template = Join-Path $PSScriptRoot '..' 'subscriptions.bicep'

if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
    throw 'The Azure CLI (az) is needed to subscribe to blob events; install it, run az login, then: azd hooks run postdeploy'
}
if ($env:AZURE_SUBSCRIPTION_ID) {
    az account set --subscription $env:AZURE_SUBSCRIPTION_ID
    if ($LASTEXITCODE -ne 0) { throw "az cannot use the subscription $($env:AZURE_SUBSCRIPTION_ID)" }
}

# The key of the webhook and the functions appear a while after the code has been deployed.
function Test-Ready {
    $functions = az functionapp function list --name $env:FUNCTION_APP_NAME --resource-group $env:AZURE_RESOURCE_GROUP `
        --query '[].name' --output tsv
    if ($LASTEXITCODE -ne 0) { return $false }
    foreach ($name in 'extract_features', 'retract_image') {
        if (-not ($functions -match $name)) { return $false }
    }
    $hasKey = az functionapp keys list --name $env:FUNCTION_APP_NAME --resource-group $env:AZURE_RESOURCE_GROUP `
        --query 'systemKeys.blobs_extension != null' --output tsv
    return ($LASTEXITCODE -eq 0) -and ($hasKey -eq 'true')
}

# The handshake fails while the app is still starting; the deployment is the same however often it is sent.
function Invoke-Subscribe {
    $parameters = @(
        "functionAppName=$($env:FUNCTION_APP_NAME)"
        "functionAppResourceGroupName=$($env:AZURE_RESOURCE_GROUP)"
        "systemTopicName=$($env:SYSTEM_TOPIC_NAME)"
        "imageContainer=$($env:IMAGE_CONTAINER)"
        "deadLetterAccountId=$($env:DEAD_LETTER_ACCOUNT_ID)"
        "deadLetterContainer=$($env:DEAD_LETTER_CONTAINER)"
    )
    az deployment group create --name dedup-subscriptions --resource-group $env:SYSTEM_TOPIC_RESOURCE_GROUP `
        --template-file $template --output none --parameters $parameters | Out-Null
    return $LASTEXITCODE -eq 0
}

for ($try = 1; -not ((Test-Ready) -and (Invoke-Subscribe)); $try++) {
    if ($try -ge $tries) {
        throw "$($env:FUNCTION_APP_NAME) does not answer to blob events yet; look at its log, then: azd hooks run postdeploy"
    }
    Write-Host "Waiting for $($env:FUNCTION_APP_NAME) to start ($try of $tries)"
    Start-Sleep -Seconds $pauseSeconds
}
Write-Host "$($env:FUNCTION_APP_NAME) is told of every image in $($env:IMAGE_CONTAINER). Images that were there before: dedup ingest --all"
