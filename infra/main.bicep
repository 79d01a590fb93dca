// Everything that the app needs in Azure, in a resource group of its own. `azd up` deploys it, then the code, and then
// subscriptions.bicep, which needs the deployed code. Plain resource definitions: it compiles without a network.
// Nothing here goes into another resource group: `azd down` deletes every group that a deployment of azd has reached.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; a short hash of it is part of every name.')
param environmentName string

@minLength(1)
@description('Region of everything that is created here; it must offer Flex Consumption.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Resource group that is created; empty for rg-<environmentName>.')
param resourceGroupName string = ''

@description('Tags of every resource, beside azd-env-name.')
param tags object = {}

@description('Who deploys: gets the rights that the dedup command and uploads need. Empty for nobody.')
param principalId string = deployer().objectId

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What principalId is; ServicePrincipal in a pipeline.')
param principalType string = 'User'

@description('Storage account that has the images already; empty to create one. Its account key is never used.')
param imagesAccountName string = ''

@description('Resource group of imagesAccountName, in the same subscription; empty for the one created here.')
param imagesResourceGroupName string = ''

@description('Event Grid system topic of imagesAccountName, if it has one: a storage account can have only one.')
param imagesSystemTopicName string = ''

@description('Resource group of imagesSystemTopicName; empty for that of the account.')
param imagesSystemTopicResourceGroupName string = ''

@description('Container whose images are watched; created with a new account, expected in an existing one.')
param imageContainer string = 'images'

@description('Days after which images that nobody changed move to the cool tier, 0 for never. Only for a new account.')
param imagesCoolAfterDays int = 0

@description('Storage redundancy of a new account for the images: what is in it besides the images can be derived again.')
param imagesSku string = 'Standard_LRS'

@maxLength(20)
@description('Begins the names of what this app keeps in the images account, for a second app on it: letters and digits.')
param namespace string = ''

@allowed(['queue', 'trigger'])
@description('How blob events reach the app: a storage queue, where none can be refused, or its webhooks (docs/deploy.md).')
param eventDelivery string = 'queue'

@description('Makes an Event Grid topic that is told each new verdict, decision and rejected file (docs/events.md).')
param notifyTopic bool = false

@description('Application id of an app registration: people sign in by it to see the page, and need no key (docs/deploy.md).')
param signInClientId string = ''

@description('Browsers get originals by links to the images account; where it answers only a network, the app sends them.')
param originalLinks bool = !vnetEnabled

@description('Blobs of the image container get index tags that say what is known of them; makes a role that may do just that (docs/events.md).')
param tagImages bool = false

@allowed([2048, 4096])
@description('Memory of an instance in MB, with one or two cores; docs/operations.md tells how many images fit.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('Most instances of each function at a time; not every region takes fewer than 40.')
param maximumInstanceCount int = 40

@description('Instances that wait without work, and cost: [{ name: \'blob\', instanceCount: 1 }] or name: \'function:verify_pairs\'.')
param alwaysReady array = []

@description('Queue messages that one instance takes at a time; 0 for what host.json says.')
param queueBatchSize int = 0

@description('A new batch is fetched at this many messages in work; -1 for what host.json says.')
param queueNewBatchThreshold int = -1

@description('Blob events that one instance works on at a time; 0 for what host.json says.')
param blobMaxDegreeOfParallelism int = 0

@description('The app sends logs, traces and metrics itself, by OpenTelemetry; else the host passes its logs on.')
param openTelemetry bool = false

@description('Settings that differ from their defaults, such as { POLICY: \'strict\' }: docs/settings.md.')
param appSettings object = {}

@description('Makes a PostgreSQL server that keeps the index for all instances (docs/scale.md); it costs by the hour.')
param indexDatabase bool = false

@description('Size of that server; Standard_B for burstable ones, Standard_E for those with much memory.')
param indexServerSku string = 'Standard_D2ds_v5'

@minValue(32)
@description('Storage of that server; it can be raised and never lowered.')
param indexStorageGB int = 128

@description('Name by which whoever deploys signs in to that server, for dedup reindex; empty for nobody.')
param principalName string = principalType == 'User' ? (deployer().?userPrincipalName ?? '') : ''

@description('Private endpoints and a virtual network, through which alone storage is reached.')
param vnetEnabled bool = false

@description('Address space of the virtual network, at least a /24.')
param vnetAddressPrefix string = '10.84.0.0/24'

@description('Public addresses that may reach a new images account although there is a virtual network.')
param allowedAddresses array = []

@description('Where alerts are sent; empty for alerts that are only shown in the portal.')
param alertEmail string = ''

@minValue(30)
@maxValue(730)
@description('Days that logs are kept; up to 31 cost nothing extra.')
param logRetentionDays int = 30

@minValue(-1)
@description('GB of logs a day, after which none are taken until the next, and alerts on missing ones sound; -1 for no end.')
param logDailyGB int = -1

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var identityName = 'id-dedup-${token}'
var indexServerName = 'psql-dedup-${token}'
var indexDatabaseName = 'postgres'
var indexHost = '${indexServerName}.postgres.database.azure.com'
var functionAppName = 'func-dedup-${token}'
var deploymentContainer = 'app-package'
var deadLetterContainer = 'dead-letters'
var createImagesAccount = empty(imagesAccountName)
var imagesAccount = createImagesAccount ? 'stimages${token}' : imagesAccountName
var imagesGroup = empty(imagesResourceGroupName) ? group.name : imagesResourceGroupName
var createSystemTopic = empty(imagesSystemTopicName)
var systemTopicName = createSystemTopic ? 'evgt-images-${token}' : imagesSystemTopicName
var systemTopicGroup = createSystemTopic
  ? group.name
  : (empty(imagesSystemTopicResourceGroupName) ? imagesGroup : imagesSystemTopicResourceGroupName)

// What the app works with besides the images, all of it in the account of the images; the namespace goes before each.
var indexContainer = 'dedup-index'
var verifyQueue = 'verify-pairs'
var ingestQueue = 'ingest-images'
var eventsQueue = 'blob-events'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: identityName
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-dedup-${token}'
    insightsName: 'appi-dedup-${token}'
    location: location
    tags: allTags
    retentionDays: logRetentionDays
    dailyGB: logDailyGB
    appPrincipalId: identity.outputs.principalId
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    accountName: 'sthost${token}'
    location: location
    tags: allTags
    deploymentContainer: deploymentContainer
    deadLetterContainer: deadLetterContainer
    appPrincipalId: identity.outputs.principalId
    isPrivate: vnetEnabled
  }
}

module imagesStorage 'modules/images-account.bicep' = if (createImagesAccount) {
  name: 'images-account'
  scope: group
  params: {
    accountName: imagesAccount
    location: location
    tags: allTags
    skuName: imagesSku
    imageContainer: imageContainer
    coolAfterDays: imagesCoolAfterDays
    isPrivate: vnetEnabled
    allowedAddresses: allowedAddresses
  }
}

module imagesData 'modules/images-data.bicep' = if (createImagesAccount) {
  name: 'images-data'
  scope: group
  dependsOn: [imagesStorage]
  params: {
    accountName: imagesAccount
    imageContainer: imageContainer
    indexContainer: indexContainer
    verifyQueue: verifyQueue
    ingestQueue: ingestQueue
    eventsQueue: eventsQueue
    namespace: namespace
    appPrincipalId: identity.outputs.principalId
    personPrincipalId: principalId
    personPrincipalType: principalType
    originalLinks: originalLinks
    tagImages: tagImages
  }
}

// Only looked at, for its addresses; infra/scripts/images-data.* puts into it what the app needs.
resource existingImages 'Microsoft.Storage/storageAccounts@2023-05-01' existing = if (!createImagesAccount) {
  name: imagesAccount
  scope: resourceGroup(imagesGroup)
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-dedup-${token}'
    location: location
    tags: allTags
    addressPrefix: vnetAddressPrefix
    hostAccountId: hostStorage.outputs.accountId
    imagesAccountId: createImagesAccount ? imagesStorage!.outputs.accountId : (existingImages!.id)
    indexServerId: indexDatabase ? indexServer!.outputs.serverId : ''
  }
}

module indexServer 'modules/index-database.bicep' = if (indexDatabase) {
  name: 'index-database'
  scope: group
  params: {
    name: indexServerName
    location: location
    tags: allTags
    skuName: indexServerSku
    storageSizeGB: indexStorageGB
    isPrivate: vnetEnabled
  }
}

module indexSignIns 'modules/index-sign-ins.bicep' = if (indexDatabase) {
  name: 'index-sign-ins'
  scope: group
  dependsOn: [network]
  params: {
    serverName: indexServer!.outputs.serverName
    appPrincipalId: identity.outputs.principalId
    appPrincipalName: identityName
    personPrincipalId: principalId
    personPrincipalName: principalName
    personPrincipalType: principalType
  }
}

module notify 'modules/notify-topic.bicep' = if (notifyTopic) {
  name: 'notify-topic'
  scope: group
  params: {
    name: 'evgt-dedup-${token}'
    location: location
    tags: allTags
    appPrincipalId: identity.outputs.principalId
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: functionAppName
    planName: 'plan-dedup-${token}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostBlobUri: hostStorage.outputs.blobUri
    hostQueueUri: hostStorage.outputs.queueUri
    deploymentContainer: deploymentContainer
    imagesBlobUri: createImagesAccount
      ? imagesStorage!.outputs.blobUri
      : (existingImages!.properties.primaryEndpoints.blob)
    imagesQueueUri: createImagesAccount
      ? imagesStorage!.outputs.queueUri
      : (existingImages!.properties.primaryEndpoints.queue)
    imagesTableUri: createImagesAccount
      ? imagesStorage!.outputs.tableUri
      : (existingImages!.properties.primaryEndpoints.table)
    imageContainer: imageContainer
    indexContainer: indexContainer
    verifyQueue: verifyQueue
    ingestQueue: ingestQueue
    eventsQueue: eventsQueue
    namespace: namespace
    originalLinks: originalLinks
    tagImages: tagImages
    signInClientId: signInClientId
    insightsConnectionString: monitoring.outputs.connectionString
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    queueBatchSize: queueBatchSize
    queueNewBatchThreshold: queueNewBatchThreshold
    blobMaxDegreeOfParallelism: blobMaxDegreeOfParallelism
    openTelemetry: openTelemetry
    notifyTopic: notifyTopic
    notifyTopicEndpoint: notifyTopic ? notify!.outputs.endpoint : ''
    indexUrl: indexDatabase ? 'postgresql://${identityName}@${indexHost}/${indexDatabaseName}' : ''
    appSettings: appSettings
  }
}

module events 'modules/events.bicep' = if (createSystemTopic) {
  name: 'events'
  scope: group
  params: {
    topicName: systemTopicName
    location: createImagesAccount ? location : (existingImages!.location)
    tags: allTags
    imagesAccountId: createImagesAccount ? imagesStorage!.outputs.accountId : (existingImages!.id)
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: allTags
    insightsId: monitoring.outputs.insightsId
    systemTopicId: resourceId(
      subscription().subscriptionId,
      systemTopicGroup,
      'Microsoft.EventGrid/systemTopics',
      systemTopicName
    )
    systemTopicLocation: createImagesAccount ? location : (existingImages!.location)
    indexServerId: indexDatabase ? indexServer!.outputs.serverId : ''
    email: alertEmail
  }
  dependsOn: [events]
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    name: guid(group.id, 'near-duplicate-images')
    location: location
    tags: allTags
    insightsId: monitoring.outputs.insightsId
  }
}

// azd keeps these in its environment: infra/scripts reads the first ones, the dedup command the last.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output APP_PRINCIPAL_ID string = identity.outputs.principalId
output PERSON_PRINCIPAL_ID string = principalId
output PERSON_PRINCIPAL_TYPE string = principalType
output FUNCTION_APP_NAME string = functionApp.outputs.name
output SYSTEM_TOPIC_NAME string = systemTopicName
output SYSTEM_TOPIC_RESOURCE_GROUP string = systemTopicGroup
output SYSTEM_TOPIC_IS_NEW string = string(createSystemTopic)
output EVENT_DELIVERY string = eventDelivery
output DEAD_LETTER_ACCOUNT_NAME string = hostStorage.outputs.accountName
output DEAD_LETTER_CONTAINER string = deadLetterContainer
output IMAGES_ACCOUNT_NAME string = imagesAccount
output IMAGES_ACCOUNT_RESOURCE_GROUP string = imagesGroup
output IMAGES_ACCOUNT_IS_NEW string = string(createImagesAccount)
output DEDUP_NAMESPACE string = namespace
output IMAGE_CONTAINER string = imageContainer
output INDEX_CONTAINER string = indexContainer
output INDEX_URL string = indexDatabase && !empty(principalName)
  ? 'postgresql://${uriComponent(principalName)}@${indexHost}/${indexDatabaseName}'
  : ''
output VERIFY_QUEUE string = verifyQueue
output INGEST_QUEUE string = ingestQueue
output EVENTS_QUEUE string = eventsQueue
output ORIGINAL_LINKS string = originalLinks ? 'true' : 'false'
output TAG_IMAGES string = tagImages ? 'true' : 'false'
output ImageStorage__blobServiceUri string = createImagesAccount
  ? imagesStorage!.outputs.blobUri
  : (existingImages!.properties.primaryEndpoints.blob)
output ImageStorage__queueServiceUri string = createImagesAccount
  ? imagesStorage!.outputs.queueUri
  : (existingImages!.properties.primaryEndpoints.queue)
output ImageStorage__tableServiceUri string = createImagesAccount
  ? imagesStorage!.outputs.tableUri
  : (existingImages!.properties.primaryEndpoints.table)
