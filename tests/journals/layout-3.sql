-- A journal of layout 3, as the smscli of that layout wrote it (sqlite3 .dump).
PRAGMA application_id = 1397576515;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE inspection (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    begun REAL NOT NULL,
    ended REAL,
    checksum TEXT NOT NULL
);
CREATE TABLE job (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    key TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    provider TEXT NOT NULL,
    profile TEXT NOT NULL,
    sender TEXT NOT NULL,
    created REAL NOT NULL,
    recipients INTEGER NOT NULL CHECK (recipients > 0),
    text_length INTEGER NOT NULL,
    text_sha256 TEXT NOT NULL,
    text TEXT,
    checksum TEXT NOT NULL
);
INSERT INTO "job" VALUES(1,'ends','f1bd3968423435d6fc12725aa0df7f8a306a065cd07dcc043de865deb8cbe919','lightsms','work','Shop',1893499200.0,5,6,'5569ba5bfe70a1229dd891e5fa3d121b3ddc73fcaf521fe9fbedcf7599c4ad52',NULL,'67513445b1230076cdd37a2dc569b4c868b4759823e1bde5c98ed55b34ab0095');
INSERT INTO "job" VALUES(2,'login','2b33ea0f10bb544953c0d25d01073337d7abbb5e82ec6b1646d509624743bab7','lightsms','work','Shop',1893499205.0,1,3,'3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3','two','213e00fd6da68cced21da4ffdd597de1b2c69547fa613be75b03003528d2ccc3');
INSERT INTO "job" VALUES(3,'later','1d36149b59d300513dad72a488e179fbbf68b1136d5dfe1b8e1ba5e8a03db982','lightsms','work','Shop',1893499205.0,1,5,'8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f',NULL,'4abaf1120fbe20be7a1268f1fcf5515b13bb065d670d42d540d579c66269db16');
INSERT INTO "job" VALUES(4,'dead','fb82daf1d4c4dfc029fa3f0aac591182608dedd5ea60298d50fed0c91ec5ee8b','lightsms','work','Shop',1893499209.0,1,4,'04efaf080f5a3e74e1c29d1ca6a48569382cbbcd324e8d59d2b83ef21c039f00',NULL,'ab0eb6158c29c0d94610844ba4b28f6593ceeba735cab4651ef0d149f67ff31d');
CREATE TABLE lookup (digest TEXT, job INTEGER, PRIMARY KEY (digest, job)) WITHOUT ROWID;
INSERT INTO "lookup" VALUES('1d36149b59d300513dad72a488e179fbbf68b1136d5dfe1b8e1ba5e8a03db982',3);
INSERT INTO "lookup" VALUES('2b33ea0f10bb544953c0d25d01073337d7abbb5e82ec6b1646d509624743bab7',2);
INSERT INTO "lookup" VALUES('37b5c5500a9ea428bd2180cecd21becc45ff3255dc8cf26b3127ee35a5c03a8e',2);
INSERT INTO "lookup" VALUES('e417755b4ba4ad1086aeb48822b67eb91bea61ea1c906988b304f56705f9ae43',1);
INSERT INTO "lookup" VALUES('ed20ea84be80f03fd165506656bf2b192a41dfcd71f488eecae4e3959404f4de',3);
INSERT INTO "lookup" VALUES('ede828d9d1aa854ab601c3fd6d85381b830f6025b1b1e40d62abf303ddf98fd7',4);
INSERT INTO "lookup" VALUES('f1bd3968423435d6fc12725aa0df7f8a306a065cd07dcc043de865deb8cbe919',1);
INSERT INTO "lookup" VALUES('fb82daf1d4c4dfc029fa3f0aac591182608dedd5ea60298d50fed0c91ec5ee8b',4);
CREATE TABLE message (
    job INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('SENT', 'REFUSED', 'NOT_SENT', 'UNKNOWN', 'IN_FLIGHT')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    updated REAL NOT NULL,
    claimed REAL,
    resolved REAL,
    message_id TEXT,
    parts INTEGER,
    amount TEXT,
    currency TEXT,
    reason TEXT,
    cause TEXT,
    code TEXT,
    hint TEXT,
    evidence TEXT,
    checksum TEXT NOT NULL,
    PRIMARY KEY (job, recipient)
) WITHOUT ROWID;
INSERT INTO "message" VALUES(1,'37061234560',3,'UNKNOWN',1,1893499200.0,1893499200.0,NULL,NULL,NULL,NULL,NULL,'no answer in time','unknown',NULL,'ask the vendor','HTTP 502, 12 bytes: text','d1a93072df0194f0cb6bc5218fd95822985a4a4a8335afd570c361f44d7ccb4f');
INSERT INTO "message" VALUES(1,'37061234561',4,'NOT_SENT',0,1893499200.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'32cdaf2d51bbcc0bae4f0acdf8f12f6affa791106d628ffadcaaf8c41615fb56');
INSERT INTO "message" VALUES(1,'37061234567',0,'SENT',1,1893499200.0,1893499200.0,NULL,'17',2,'0.0250','EUR',NULL,NULL,NULL,NULL,'HTTP 502, 12 bytes: text','8e687b7725e219518759e84ac8fc1a2096ed81286177a580d5a3016f389e7ea1');
INSERT INTO "message" VALUES(1,'37061234568',1,'REFUSED',1,1893499200.0,1893499200.0,NULL,NULL,NULL,NULL,NULL,'the timestamp is stale','stale','24','sign anew','HTTP 502, 12 bytes: text','dbe773ffe512210def5da1503a5920ae747b76655c5a5a32e1cd641ce1cbe7e5');
INSERT INTO "message" VALUES(1,'37061234569',2,'REFUSED',1,1893499200.0,1893499200.0,NULL,NULL,NULL,NULL,NULL,'the number is on the stop list','refused','13',NULL,'HTTP 502, 12 bytes: text','ddedd61df4cc9c6b13ab2aa566018f550ebfe20e9014ba2f25296917380fcbf7');
INSERT INTO "message" VALUES(2,'37061234567',0,'REFUSED',1,1893499205.0,1893499205.0,NULL,NULL,NULL,NULL,NULL,'the signature is wrong','credentials','6',NULL,NULL,'3cda742cc43fdd608ffbe20215a7a2fc16d7ba1d930dd9dc35b12b0f2ca6d498');
INSERT INTO "message" VALUES(3,'37061234568',0,'NOT_SENT',1,1893499205.0,1893499205.0,NULL,NULL,NULL,NULL,NULL,'connection refused','unreachable',NULL,NULL,NULL,'8b7a5e7dec8783a29e4c4dff15c4e74331e64861bab3e574739acdc843318288');
INSERT INTO "message" VALUES(4,'37061234569',0,'IN_FLIGHT',1,1893499209.0,1893499209.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'d76a743cc803305f1a73cc49369b5da9e551406700c1d5bf0e21a2bd2f69e2f6');
CREATE TABLE witness (
    job INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    claimed REAL,
    boot TEXT,
    seconds REAL,
    gone INTEGER NOT NULL CHECK (gone >= 0),
    open INTEGER NOT NULL CHECK (open >= 0),
    checksum TEXT NOT NULL
);
INSERT INTO "witness" VALUES(1,'f1bd3968423435d6fc12725aa0df7f8a306a065cd07dcc043de865deb8cbe919',1893499200.0,'this',100.0,4,1,'8c780bcccd6e37432dd5e664df4f165dcc9f2a600ac616520b99adac46eb1669');
INSERT INTO "witness" VALUES(2,'2b33ea0f10bb544953c0d25d01073337d7abbb5e82ec6b1646d509624743bab7',1893499205.0,'this',100.0,1,0,'ec043a882da15900d8b8350fc9f1c434c2c3aae9286f8ca0df01a4f13f594899');
INSERT INTO "witness" VALUES(3,'1d36149b59d300513dad72a488e179fbbf68b1136d5dfe1b8e1ba5e8a03db982',1893499205.0,'this',100.0,0,0,'c1e55a171fb45414a8e65b81cd87d817a7c26a1bd18a0dd9b951cff054c07d65');
INSERT INTO "witness" VALUES(4,'fb82daf1d4c4dfc029fa3f0aac591182608dedd5ea60298d50fed0c91ec5ee8b',1893499209.0,'this',100.0,1,1,'352ce6c5f81d23ef853142b040189d53b0bca61178f4dfa06430905c066be28f');
CREATE INDEX job_of_content ON job (fingerprint);
CREATE INDEX message_in_flight ON message (job) WHERE state = 'IN_FLIGHT';
CREATE INDEX witness_claimed ON witness (fingerprint, claimed) WHERE gone > 0;
CREATE INDEX witness_boot ON witness (fingerprint, boot, seconds) WHERE gone > 0;
CREATE INDEX witness_open ON witness (fingerprint) WHERE open > 0;
COMMIT;
