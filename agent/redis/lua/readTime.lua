-- Redis' own clock, of the server that has a key: on a Cluster TIME alone is that of any server.
-- KEYS[1] a key, which need not exist
-- Returns {seconds, microseconds}
return redis.call('TIME')
