// What the app keeps beside the images, in their account, and who may touch it. All of it exists before the app starts,
// and each role is given for the one container, queue or table that needs it. main.bicep deploys it for a new account,
// infra/scripts/images-data.* for an existing one.
param accountName string
param imageContainer string
param indexContainer string
param verifyQueue string
param ingestQueue string
param eventsQueue string
param namespace string
param appPrincipalId string
param personPrincipalId string
param personPrincipalType string
param originalLinks bool
param tagImages bool

var roles = loadJsonContent('../roles.json')
// As dedup_app/configuration/settings.py puts the namespace before them: tables take no hyphen.
var prefix = empty(namespace) ? '' : '${namespace}-'
var tableNames = map(['features', 'pairs', 'loaderstats', 'reports'], name => '${namespace}${name}')
var workQueues = map([verifyQueue, ingestQueue, eventsQueue], name => '${prefix}${name}')
// The host moves what failed for good there, and would otherwise need the right to make queues; the last is its own.
var poisonQueues = concat(map(workQueues, name => '${name}-poison'), ['webjobs-blobtrigger-poison'])
var personRoles = empty(personPrincipalId)
  ? []
  : [roles.storageBlobDataContributor, roles.storageQueueDataContributor, roles.storageTableDataContributor]

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource images 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = {
  parent: blobs
  name: imageContainer
}

resource index 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: '${prefix}${indexContainer}'
}

resource workQueue 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [
  for name in workQueues: {
    parent: queues
    name: name
  }
]

resource poisonQueue 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [
  for name in poisonQueues: {
    parent: queues
    name: name
  }
]

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = [
  for name in tableNames: {
    parent: tables
    name: name
  }
]

resource appReadsImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(images.id, appPrincipalId, roles.storageBlobDataReader)
  scope: images
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataReader)
  }
}

// Azure gives keys for links only for a whole account; a link opens no more than the role above.
resource appMakesLinks 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (originalLinks) {
  name: guid(account.id, appPrincipalId, roles.storageBlobDelegator)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDelegator)
  }
}

// No built-in role may write tags without being allowed to delete images as well. One for each container that is tagged,
// whichever apps do so.
var tagging = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags'
resource tagger 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (tagImages) {
  name: guid(images.id, 'tags')
  properties: {
    roleName: 'Blob Tags of ${accountName}/${imageContainer}'
    description: 'Reads and writes the index tags of blobs and nothing else.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: ['${tagging}/read', '${tagging}/write']
        notDataActions: []
      }
    ]
  }
}

resource appTagsImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (tagImages) {
  name: guid(images.id, appPrincipalId, 'tags')
  scope: images
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: tagger.id
  }
}

resource personTagsImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (tagImages && !empty(personPrincipalId)) {
  name: guid(images.id, personPrincipalId, 'tags')
  scope: images
  properties: {
    principalId: personPrincipalId
    principalType: personPrincipalType
    roleDefinitionId: tagger.id
  }
}

resource appKeepsIndex 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(index.id, appPrincipalId, roles.storageBlobDataContributor)
  scope: index
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roles.storageBlobDataContributor
    )
  }
}

resource appWorksOffQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in workQueues: {
    name: guid(workQueue[i].id, appPrincipalId, roles.storageQueueDataContributor)
    scope: workQueue[i]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roles.storageQueueDataContributor
      )
    }
  }
]

resource appSetsPoisonAside 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in poisonQueues: {
    name: guid(poisonQueue[i].id, appPrincipalId, roles.storageQueueDataContributor)
    scope: poisonQueue[i]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roles.storageQueueDataContributor
      )
    }
  }
]

resource appKeepsTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in tableNames: {
    name: guid(table[i].id, appPrincipalId, roles.storageTableDataContributor)
    scope: table[i]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roles.storageTableDataContributor
      )
    }
  }
]

resource personMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in personRoles: {
    name: guid(account.id, personPrincipalId, role)
    scope: account
    properties: {
      principalId: personPrincipalId
      principalType: personPrincipalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]
