// The candidate index in PostgreSQL: a server of its own, signed in to by Entra ID alone (index-sign-ins.bicep). It holds
// fingerprints, no image and no name of one, and can be made again from the tables. They are in the database that every
// server has: it belongs to all administrators, one that Azure made before the first of them would belong to none.
param name string
param location string
param tags object
param skuName string
param storageSizeGB int
param isPrivate bool

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
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

// Without a virtual network the app's calls come from addresses of Azure that nobody knows before.
resource fromAzure 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = if (!isPrivate) {
  parent: server
  name: 'azure'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

output serverId string = server.id
output serverName string = server.name
