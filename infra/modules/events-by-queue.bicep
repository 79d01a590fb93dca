// Events into a storage queue, by the topic's own identity: no key in an address, and no instance has to be awake.
param systemTopicName string
param accountId string
param queueName string
param prefix string
param subjectBeginsWith string
param delivery object

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

resource queued 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'dedup-${prefix}images-queued'
  properties: {
    ...delivery
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: accountId
          queueName: queueName
          queueMessageTimeToLiveInSeconds: -1 // for ever, as the app's own messages
        }
      }
    }
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated', 'Microsoft.Storage.BlobDeleted']
      subjectBeginsWith: subjectBeginsWith
      isSubjectCaseSensitive: true
    }
  }
}
