// The Event Grid subscriptions, deployed after the code: Event Grid checks that both functions answer. Both filters end in
// a slash, or `images` would match `images2` too. The webhook's key is read here and shows in no command or log.
targetScope = 'resourceGroup'

param functionAppName string
@description('Resource group of the Function app; this is deployed to that of the topic.')
param functionAppResourceGroupName string
param systemTopicName string
param imageContainer string
@description('Account of the container for events that could not be delivered; empty to drop them (an existing topic has no right to write there).')
param deadLetterAccountId string
param deadLetterContainer string

var blobsOfContainer = '/blobServices/default/containers/${imageContainer}/blobs/'
// Event Grid's own limits: a day and 30 tries. Missed events cost a listing of the container: `dedup ingest --all`.
var retries = {
  eventTimeToLiveInMinutes: 1440
  maxDeliveryAttempts: 30
}
var deadLetters = empty(deadLetterAccountId) ? null : {
  identity: {
    type: 'SystemAssigned'
  }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: {
      resourceId: deadLetterAccountId
      blobContainerName: deadLetterContainer
    }
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: functionAppName
  scope: resourceGroup(functionAppResourceGroupName)
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

resource created 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'dedup-images-created'
  properties: {
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.extract_features&code=${listKeys('${app.id}/host/default', '2024-04-01').systemKeys.blobs_extension}'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: blobsOfContainer
      isSubjectCaseSensitive: true
    }
    retryPolicy: retries
    deadLetterWithResourceIdentity: deadLetters
  }
}

resource deleted 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'dedup-images-deleted'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${app.id}/functions/retract_image'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobDeleted']
      subjectBeginsWith: blobsOfContainer
      isSubjectCaseSensitive: true
    }
    retryPolicy: retries
    deadLetterWithResourceIdentity: deadLetters
  }
}
