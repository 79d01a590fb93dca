// The Function app on a Flex Consumption plan. Its settings are all here: what `Settings` reads and what the host reads.
param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param hostBlobUri string
param hostQueueUri string
param deploymentContainer string
param imagesBlobUri string
param imagesQueueUri string
param imagesTableUri string
param imageContainer string
param indexContainer string
param verifyQueue string
param ingestQueue string
param eventsQueue string
param namespace string
param originalLinks bool
param tagImages bool
param signInClientId string
param insightsConnectionString string
param subnetId string
param instanceMemoryMB int
param maximumInstanceCount int
param alwaysReady array
param queueBatchSize int
param queueNewBatchThreshold int
param blobMaxDegreeOfParallelism int
param openTelemetry bool
param notifyTopic bool
param notifyTopicEndpoint string
param indexUrl string
param appSettings object

// The host's storage, by identity; without a table service, so that the host keeps no diagnostic events there.
var hostSettings = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: hostBlobUri
  AzureWebJobsStorage__queueServiceUri: hostQueueUri
}

var storageSettings = {
  ImageStorage__credential: 'managedidentity'
  ImageStorage__clientId: identityClientId
  ImageStorage__blobServiceUri: imagesBlobUri
  ImageStorage__queueServiceUri: imagesQueueUri
  ImageStorage__tableServiceUri: imagesTableUri
  IMAGE_CONTAINER: imageContainer
  INDEX_CONTAINER: indexContainer
  VERIFY_QUEUE: verifyQueue
  INGEST_QUEUE: ingestQueue
  EVENTS_QUEUE: eventsQueue
  BLOB_TRIGGER_SOURCE: 'EventGrid'
  ORIGINAL_LINKS: originalLinks ? 'true' : 'false'
  TAG_IMAGES: tagImages ? 'true' : 'false'
}

var namespaceSettings = empty(namespace) ? {} : { DEDUP_NAMESPACE: namespace }

var telemetrySettings = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: openTelemetry ? 'true' : 'false'
}

// The host and the app send for themselves then, and the host passes on no lines of the app: docs/settings.md#telemetry
var openTelemetrySettings = openTelemetry
  ? {
      AzureFunctionsJobHost__telemetryMode: 'OpenTelemetry'
      OTEL_TRACES_EXPORTER: 'none'
    }
  : {}

var indexSettings = empty(indexUrl) ? {} : { INDEX_URL: indexUrl }

var notifySettings = notifyTopic ? { EVENTS_TOPIC_ENDPOINT: notifyTopicEndpoint } : {}

// The defaults of dedup_app/configuration/settings.py, written out so that they can be seen and changed in the portal.
var workSettings = {
  STATS_SCHEDULE: '0 */5 * * * *'
  MAX_IMAGE_BYTES: '67108864'
  MAX_IMAGE_PIXELS: '100000000'
  DOWNLOAD_BUDGET_BYTES: '268435456'
  DECODE_BUDGET_BYTES: '201326592'
  IMAGE_FORMATS: 'jpeg,png,webp,gif,bmp,tiff,avif,heic'
  DECODER_ISOLATION: 'separate'
  MAX_CANDIDATES: '100'
  LOG_IMAGE_PATHS: 'false'
  POLICY: 'balanced'
}

var queueBatchOverride = queueBatchSize > 0
  ? { AzureFunctionsJobHost__extensions__queues__batchSize: string(queueBatchSize) }
  : {}
var queueThresholdOverride = queueNewBatchThreshold >= 0
  ? { AzureFunctionsJobHost__extensions__queues__newBatchThreshold: string(queueNewBatchThreshold) }
  : {}
var blobOverride = blobMaxDegreeOfParallelism > 0
  ? { AzureFunctionsJobHost__extensions__blobs__maxDegreeOfParallelism: string(blobMaxDegreeOfParallelism) }
  : {}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'dedup' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobUri}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
        // For Python the plan's own number is 1: then each picture of a page would start an instance, without what others hold.
        triggers: {
          http: {
            perInstanceConcurrency: 8
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
    }
  }
}

// Code comes with a token of Entra ID only: azd and the Azure CLI send one. Else the app would have a password of its own
// that never ends, and whoever reads it from the publishing profile could run code as the app's identity.
resource noPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource noPasswordForFiles 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    hostSettings,
    storageSettings,
    namespaceSettings,
    telemetrySettings,
    openTelemetrySettings,
    workSettings,
    indexSettings,
    notifySettings,
    queueBatchOverride,
    queueThresholdOverride,
    blobOverride,
    appSettings
  )
}

// Sign-in in front of the page. Tokens come in the answer of the sign-in itself, so that there is no secret to keep.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(signInClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      // Events and the host's own state: the host asks for a key of its own there, and the page is not reached by them.
      excludedPaths: [
        '/runtime/webhooks/blobs'
        '/runtime/webhooks/EventGrid'
        '/runtime/webhooks/*'
        '/admin/*'
      ]
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            signInClientId
            'api://${signInClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
    httpSettings: {
      requireHttps: true
    }
  }
  dependsOn: [settings]
}

output name string = app.name
