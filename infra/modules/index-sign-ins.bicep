// Who signs in to the index's server. A server refuses this for a while after it was made: its firewall or its private
// endpoint comes first.
param serverName string
param appPrincipalId string
param appPrincipalName string
param personPrincipalId string
param personPrincipalName string
param personPrincipalType string

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' existing = {
  name: serverName
}

// The app makes its schema itself, for which it has to be what Azure calls an administrator: of this server alone.
resource appSignsIn 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2025-08-01' = {
  parent: server
  name: appPrincipalId
  properties: {
    principalName: appPrincipalName
    principalType: 'ServicePrincipal'
    tenantId: tenant().tenantId
  }
}

// The server does one thing at a time.
resource personSignsIn 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2025-08-01' = if (!empty(personPrincipalId) && !empty(personPrincipalName)) {
  parent: server
  name: personPrincipalId
  dependsOn: [appSignsIn]
  properties: {
    principalName: personPrincipalName
    principalType: personPrincipalType
    tenantId: tenant().tenantId
  }
}
