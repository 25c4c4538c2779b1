SELECT
  "t2"."bad",
  "t2"."v",
  "t2"."w",
  "t2"."day",
  COUNT(*) AS "units",
  SUM("t2"."rows") AS "rows",
  SUM("t2"."low_rows") AS "low_rows",
  AVG("t2"."y") AS "mean",
  VAR_POP("t2"."y") AS "variance",
  MIN("t2"."y") AS "least",
  MAX("t2"."y") AS "most",
  BOOL_AND((
    "t2"."y" = 0
  ) OR (
    "t2"."y" = 1
  )) AS "zero_one",
  SUM("t2"."y" * "t2"."y" * "t2"."y") AS "cubes",
  AVG("t2"."x") AS "x_mean",
  VAR_POP("t2"."x") AS "x_variance",
  COVAR_POP("t2"."x", "t2"."y") AS "xy"
FROM (
  SELECT
    "t1"."u",
    "t1"."v",
    "t1"."t",
    IF("t1"."bad" = 0, "t1"."y", NULL) AS "y",
    IF("t1"."bad" = 0, "t1"."x", NULL) AS "x",
    "t1"."bad",
    CAST(CAST(FLOOR(CAST((
      "t1"."v"
    ) AS DOUBLE) / (
      100000
    )) AS BIGINT) AS INTEGER) AS "k",
    IF("t1"."bad" < 0, "t1"."v", NULL) AS "w",
    CAST(1 AS BIGINT) AS "rows",
    CAST(IF((
      "t1"."v" % 100000
    ) = 0, 1, 0) AS BIGINT) AS "low_rows",
    IF("t1"."bad" = 0, DATE("t1"."t"), NULL) AS "day"
  FROM (
    SELECT
      "t0"."user_id" AS "u",
      CASE
        WHEN NULLIF("t0"."variation", '') = 'candidate'
        THEN 0
        WHEN NULLIF("t0"."variation", '') = 'control'
        THEN 1
        WHEN NULLIF("t0"."variation", '') = 'B'
        THEN 100000
        WHEN NULLIF("t0"."variation", '') = 'x'
        THEN 200000
        ELSE CAST(NULL AS INTEGER)
      END AS "v",
      CAST("t0"."day" AS TIMESTAMP(6)) AS "t",
      CAST(CASE WHEN "t0"."converted" THEN 1 WHEN NOT (
        "t0"."converted"
      ) THEN 0 ELSE NULL END AS DOUBLE) AS "y",
      "t0"."before" AS "x",
      CAST(CASE
        WHEN "t0"."user_id" IS NULL
        THEN 1
        WHEN NULLIF("t0"."variation", '') IS NULL
        THEN 2
        WHEN CAST("t0"."day" AS TIMESTAMP(6)) IS NULL
        THEN 3
        WHEN (
          CAST("t0"."day" AS TIMESTAMP(6)) < CAST(FROM_ISO8601_TIMESTAMP('1970-01-01T00:00:00') AS TIMESTAMP(6))
        )
        OR (
          CAST("t0"."day" AS TIMESTAMP(6)) >= CAST(FROM_ISO8601_TIMESTAMP('2200-01-01T00:00:00') AS TIMESTAMP(6))
        )
        THEN 4
        WHEN "t0"."converted" IS NULL
        THEN 5
        WHEN (
          "t0"."before" IS NULL
        )
        OR COALESCE(
          IS_NAN("t0"."before")
          OR IS_INFINITE("t0"."before")
          OR (
            ABS("t0"."before") > CAST(1.7976931348623157e+308 AS DOUBLE)
          ),
          FALSE
        )
        THEN 6
        ELSE 0
      END AS SMALLINT) AS "bad"
    FROM "units" AS "t0"
  ) AS "t1"
) AS "t2"
GROUP BY
  1,
  2,
  3,
  4
