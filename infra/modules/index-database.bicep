// The candidate index in PostgreSQL: a server of its own, signed in to by Entra ID alone. It holds fingerprints, no image
// and no name of one, and can be made again from the tables.
param name string
param location string
param tags object
param skuName string
param storageSizeGB int
param appPrincipalId string
param appPrincipalName string
param personPrincipalId string
param personPrincipalName string
param personPrincipalType string
param isPrivate bool

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
    tier: startsWith(skuName, 'Standard_B')
      ? 'Burstable'
      : startsWith(skuName, 'Standard_E') ? 'MemoryOptimized' : 'GeneralPurpose'
  }
  properties: {
    createMode: 'Default'
    version: '17'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    storage: {
      storageSizeGB: storageSizeGB
      autoGrow: 'Disabled' // what grew by itself could not be deployed again with the smaller number
    }
    backup: {
      backupRetentionDays: 7
      geoRedundantBackup: 'Disabled'
    }
    highAvailability: {
      mode: 'Disabled'
    }
    network: {
      publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    }
  }
}

// The server does one thing at a time, so each of these waits for the one before.
resource tables 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: server
  name: 'dedup'
  properties: {
    charset: 'UTF8'
    collation: 'en_US.utf8'
  }
}

// The app makes its schema itself, for which it has to be what Azure calls an administrator: of this server alone.
resource appSignsIn 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: server
  name: appPrincipalId
  dependsOn: [tables]
  properties: {
    principalName: appPrincipalName
    principalType: 'ServicePrincipal'
    tenantId: tenant().tenantId
  }
}

resource personSignsIn 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = if (!empty(personPrincipalId) && !empty(personPrincipalName)) {
  parent: server
  name: personPrincipalId
  dependsOn: [appSignsIn]
  properties: {
    principalName: personPrincipalName
    principalType: personPrincipalType
    tenantId: tenant().tenantId
  }
}

// Without a virtual network the app's calls come from addresses of Azure that nobody knows before.
resource fromAzure 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = if (!isPrivate) {
  parent: server
  name: 'azure'
  dependsOn: [personSignsIn]
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

output serverId string = server.id
