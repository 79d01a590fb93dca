// The Event Grid subscriptions, deployed after the code to the group of the topic: Event Grid checks that the functions
// answer. What it could not deliver it sets aside by the topic's own identity, which an existing topic may lack:
// infra/scripts/post-deploy.* gives it one. Deployments are named after the app: several may share a group, which takes one
// deployment of a name at a time.
targetScope = 'resourceGroup'

param functionAppName string
@description('Resource group of the Function app and of the account for events that could not be delivered.')
param functionAppResourceGroupName string
param systemTopicName string
param imagesAccountName string
param imagesAccountResourceGroupName string
param imageContainer string
@allowed(['trigger', 'queue'])
@description('Whether events go to the webhooks of the app, or into a storage queue that it takes them from.')
param eventDelivery string
param eventsQueue string
@description('Of the app: two apps on one account share its topic, each with subscriptions of its own.')
param namespace string
param deadLetterAccountName string
param deadLetterContainer string

var prefix = empty(namespace) ? '' : '${namespace}-'
// Ends in a slash, or `images` would match `images2` too.
var blobsOfContainer = '/blobServices/default/containers/${imageContainer}/blobs/'
var deadLetterAccountId = resourceId(
  functionAppResourceGroupName,
  'Microsoft.Storage/storageAccounts',
  deadLetterAccountName
)
// What both ways have in common. Event Grid's own limits: a day and 30 tries.
var delivery = {
  eventDeliverySchema: 'EventGridSchema'
  retryPolicy: {
    eventTimeToLiveInMinutes: 1440
    maxDeliveryAttempts: 30
  }
  deadLetterWithResourceIdentity: {
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
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

module deadLetters 'modules/dead-letters.bicep' = {
  name: '${functionAppName}-dead-letters'
  scope: resourceGroup(functionAppResourceGroupName)
  params: {
    accountName: deadLetterAccountName
    containerName: deadLetterContainer
    topicPrincipalId: topic.identity.principalId
  }
}

module queueing 'modules/events-queue.bicep' = if (eventDelivery == 'queue') {
  name: '${functionAppName}-events-queue'
  scope: resourceGroup(imagesAccountResourceGroupName)
  params: {
    accountName: imagesAccountName
    queueName: '${prefix}${eventsQueue}'
    topicPrincipalId: topic.identity.principalId
  }
}

module byTrigger 'modules/events-by-trigger.bicep' = if (eventDelivery == 'trigger') {
  name: '${functionAppName}-events-by-trigger'
  dependsOn: [deadLetters]
  params: {
    functionAppName: functionAppName
    functionAppResourceGroupName: functionAppResourceGroupName
    systemTopicName: systemTopicName
    prefix: prefix
    subjectBeginsWith: blobsOfContainer
    delivery: delivery
  }
}

module byQueue 'modules/events-by-queue.bicep' = if (eventDelivery == 'queue') {
  name: '${functionAppName}-events-by-queue'
  dependsOn: [deadLetters, queueing]
  params: {
    systemTopicName: systemTopicName
    prefix: prefix
    accountId: resourceId(imagesAccountResourceGroupName, 'Microsoft.Storage/storageAccounts', imagesAccountName)
    queueName: '${prefix}${eventsQueue}'
    subjectBeginsWith: blobsOfContainer
    delivery: delivery
  }
}
