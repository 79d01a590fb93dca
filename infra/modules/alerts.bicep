// What someone should hear of. The queries look for words that the app or the host logs; tests hold them together.
param token string
param location string
param tags object
param insightsId string
param systemTopicId string
param systemTopicLocation string
param indexServerId string
param email string

var logAlerts = [
  {
    name: 'poison-messages'
    severity: 2
    description: 'A message failed at its last try and was set aside for seven days: see `dedup status`, then the failures before it.'
    query: loadTextContent('../queries/poison-messages.kql')
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'failures'
    severity: 3
    description: 'Functions fail again and again; they are repeated, but something is wrong.'
    query: loadTextContent('../queries/failures.kql')
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 20
  }
  {
    name: 'coverage'
    severity: 3
    description: 'Not every comparison that was tried today gave numbers: success_rate of the loader statistics is below 1.'
    query: loadTextContent('../queries/coverage.kql')
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'incomplete-ledger'
    severity: 2
    description: 'For an hour, images were without their row, place in the index or verdict: see `dedup status`, then run `dedup reconcile --fix`.'
    query: loadTextContent('../queries/incomplete-ledger.kql')
    window: 'PT1H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'low-precision'
    severity: 3
    description: 'People looked at pairs that the app called copies, and too many were none: see `dedup status`, then `dedup tune`.'
    query: loadTextContent('../queries/low-precision.kql')
    window: 'PT2H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'stalled-statistics'
    severity: 2
    description: 'No loader statistics for half an hour: the timer does not run, or the app does not start.'
    query: loadTextContent('../queries/stalled-statistics.kql')
    window: 'PT30M'
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'upkeep'
    severity: 2
    description: 'For an hour, what the timer does came to no end or failed in part (line `upkeep_failed`), or the fingerprint log is damaged: `dedup status`.'
    query: loadTextContent('../queries/upkeep.kql')
    window: 'PT1H'
    operator: 'GreaterThan'
    threshold: 0
  }
]

var eventAlerts = [
  {
    name: 'undelivered-events'
    description: 'Events were given up, at once after a refusal (401 at a cold start), else after a day: run `dedup ingest --all`.'
    metric: 'DeadLetteredCount'
  }
  {
    name: 'dropped-events'
    description: 'Events were dropped, and could not even be set aside.'
    metric: 'DroppedEventCount'
  }
]

var actionGroupIds = empty(email) ? [] : [people.id]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-dedup-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'dedup'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource logAlert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for it in logAlerts: {
    name: 'dedup-${it.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'dedup: ${it.name}'
      description: it.description
      severity: it.severity
      enabled: true
      scopes: [insightsId]
      evaluationFrequency: 'PT5M'
      windowSize: it.window
      autoMitigate: true
      skipQueryValidation: true // There are no logs yet when this is deployed for the first time.
      criteria: {
        allOf: [
          {
            query: it.query
            timeAggregation: 'Count'
            operator: it.operator
            threshold: it.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: actionGroupIds
      }
    }
  }
]

resource eventAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for it in eventAlerts: {
    name: 'dedup-${it.name}-${token}'
    location: 'global'
    tags: tags
    properties: {
      description: it.description
      severity: 2
      enabled: true
      scopes: [systemTopicId]
      targetResourceType: 'Microsoft.EventGrid/systemTopics'
      targetResourceRegion: systemTopicLocation
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: it.name
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: 'Microsoft.EventGrid/systemTopics'
            metricName: it.metric
            operator: 'GreaterThan'
            threshold: 0
            timeAggregation: 'Total'
          }
        ]
      }
      actions: map(actionGroupIds, id => { actionGroupId: id })
    }
  }
]

// A full server takes no writes, and its storage does not grow by itself: index-database.bicep.
resource indexAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(indexServerId)) {
  name: 'dedup-index-storage-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Four fifths of the storage of the index server are in use: raise indexStorageGB before it is full, for then no image is taken in.'
    severity: 2
    enabled: true
    scopes: [indexServerId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'index-storage'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
          metricName: 'storage_percent'
          operator: 'GreaterThan'
          threshold: 80
          timeAggregation: 'Average'
        }
      ]
    }
    actions: map(actionGroupIds, id => { actionGroupId: id })
  }
}
