// An S3 server on loopback that believes only who signs with its keys (version 4, headers and addresses).
// usage: node store.cjs DIRECTORY PORT BUCKET ACCESS_KEY SECRET_KEY
const S3rver = require("@20minutes/s3rver");
const { DUMMY_ACCOUNT } = require("@20minutes/s3rver/lib/models/account");

const [directory, port, bucket, accessKey, secretKey] = process.argv.slice(2);
DUMMY_ACCOUNT.createKeyPair(accessKey, secretKey);
const configureBuckets = [{ name: bucket, configs: [] }];
const options = { directory, port, address: "127.0.0.1", silent: true, vhostBuckets: false, configureBuckets };
new S3rver(options).run();
