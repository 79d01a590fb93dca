# The Azure CLI, for the scripts beside this one, which read it in.

# az tells of failures by its exit code, which each script looks at; newer PowerShells would stop at the first one.
$PSNativeCommandUseErrorActionPreference = $false

# Ends with what to do where there is none.
function Assert-Az([string] $WhatFor, [string] $Hook) {
    if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
        throw "The Azure CLI (az) is needed to $WhatFor; install it, run az login, then: azd hooks run $Hook"
    }
}

# Each command names the subscription: `az account set` would choose it for all that is done on this machine afterwards.
$subscription = @(if ($env:AZURE_SUBSCRIPTION_ID) { '--subscription'; $env:AZURE_SUBSCRIPTION_ID })
