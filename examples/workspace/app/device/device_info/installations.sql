-- Installations of the demo: devices people know. Two of them are trouble, see handler.py.
CREATE TABLE installations (
    device_id INTEGER PRIMARY KEY,
    platform TEXT,
    model TEXT NOT NULL,
    os_version TEXT NOT NULL,
    language TEXT NOT NULL,
    region TEXT NOT NULL
);
INSERT INTO installations VALUES
    (1, 'ANDROID', 'Xiaomi Mi 6', '7.1', 'zh', 'CN'),
    (2, 'IOS', 'iPhone 7', '10.3', 'zh', 'CN'),
    (3, 'ANDROID', 'Huawei P10', '7.0', 'zh', 'CN'),
    (4, 'ANDROID', 'Nexus 5X', '7.1', 'en', 'US'),
    (5, NULL, 'Lumia 950', '10.0', 'en', 'GB'),
    (6, 'IOS', 'iPhone 5s', '10.2', 'en', 'US'),
    (7, 'ANDROID', 'Galaxy S8', '7.0', 'ko', 'KR'),
    (8, 'IOS', 'iPhone 6s', '10.3', 'ja', 'JP'),
    (9, 'ANDROID', 'OPPO R9s', '6.0', 'zh', 'CN'),
    (10, 'ANDROID', 'vivo X9', '6.0', 'zh', 'CN'),
    (11, 'WEB', 'Firefox 53', '53.0', 'de', 'DE'),
    (12, 'WEB', 'Chrome 58', '58.0', 'pt', 'BR'),
    (13, 'ANDROID', 'Moto G5', '7.0', 'pt', 'BR'),
    (14, 'IOS', 'iPad Air 2', '10.3', 'fr', 'FR'),
    (15, 'ANDROID', 'OnePlus 3T', '7.1', 'en', 'IN'),
    (16, 'ANDROID', 'Redmi Note 4', '6.0', 'hi', 'IN');
