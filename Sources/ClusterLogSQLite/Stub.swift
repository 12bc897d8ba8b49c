enum ClusterLogSQLiteStub {}
