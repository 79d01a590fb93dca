// A virtual network that the app's outgoing calls go through, and private endpoints in it: of both storage accounts, and of
// the index's server where there is one.
param name string
param location string
param tags object
param addressPrefix string
param hostAccountId string
param imagesAccountId string
param indexServerId string

var services = ['blob', 'queue', 'table']
var endpoints = [
  { account: 'host', accountId: hostAccountId, service: 'blob', zone: 0 }
  { account: 'host', accountId: hostAccountId, service: 'queue', zone: 1 }
  { account: 'images', accountId: imagesAccountId, service: 'blob', zone: 0 }
  { account: 'images', accountId: imagesAccountId, service: 'queue', zone: 1 }
  { account: 'images', accountId: imagesAccountId, service: 'table', zone: 2 }
]

resource vnet 'Microsoft.Network/virtualNetworks@2023-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 25, 0)
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 25, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2020-06-01' = [
  for service in services: {
    name: 'privatelink.${service}.${environment().suffixes.storage}'
    location: 'global'
    tags: tags
  }
]

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [
  for (service, i) in services: {
    parent: zone[i]
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: vnet.id
      }
    }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2023-11-01' = [
  for it in endpoints: {
    name: 'pe-${it.account}-${it.service}-${uniqueString(it.accountId)}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: vnet::endpointSubnet.id
      }
      privateLinkServiceConnections: [
        {
          name: it.service
          properties: {
            privateLinkServiceId: it.accountId
            groupIds: [it.service]
          }
        }
      ]
    }
  }
]

resource endpointZone 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2023-11-01' = [
  for (it, i) in endpoints: {
    parent: endpoint[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: it.service
          properties: {
            privateDnsZoneId: zone[it.zone].id
          }
        }
      ]
    }
  }
]

resource indexZone 'Microsoft.Network/privateDnsZones@2020-06-01' = if (!empty(indexServerId)) {
  name: 'privatelink.postgres.database.azure.com'
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: vnet.id
      }
    }
  }
}

resource indexEndpoint 'Microsoft.Network/privateEndpoints@2023-11-01' = if (!empty(indexServerId)) {
  name: 'pe-index-${uniqueString(indexServerId)}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: vnet::endpointSubnet.id
    }
    privateLinkServiceConnections: [
      {
        name: 'postgresqlServer'
        properties: {
          privateLinkServiceId: indexServerId
          groupIds: ['postgresqlServer']
        }
      }
    ]
  }

  resource zones 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: 'postgresqlServer'
          properties: {
            privateDnsZoneId: indexZone.id
          }
        }
      ]
    }
  }
}

output appSubnetId string = vnet::appSubnet.id
