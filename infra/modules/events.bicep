// The images account's Event Grid topic. Its subscriptions need the deployed code: subscriptions.bicep.
param topicName string
param location string
param tags object
param imagesAccountId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: topicName
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: imagesAccountId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}
