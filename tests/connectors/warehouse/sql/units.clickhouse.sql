SELECT
  "t2"."bad" AS "bad",
  "t2"."v" AS "v",
  "t2"."w" AS "w",
  "t2"."day" AS "day",
  COUNT(*) AS "units",
  SUM("t2"."rows") AS "rows",
  SUM("t2"."low_rows") AS "low_rows",
  AVG("t2"."y") AS "mean",
  varPopStable("t2"."y") AS "variance",
  MIN("t2"."y") AS "least",
  MAX("t2"."y") AS "most",
  MIN((
    "t2"."y" = 0
  ) OR (
    "t2"."y" = 1
  )) AS "zero_one",
  SUM("t2"."y" * "t2"."y" * "t2"."y") AS "cubes",
  AVG("t2"."x") AS "x_mean",
  varPopStable("t2"."x") AS "x_variance",
  covarPopStable("t2"."x", "t2"."y") AS "xy"
FROM (
  SELECT
    "t1"."u" AS "u",
    "t1"."v" AS "v",
    "t1"."t" AS "t",
    CASE WHEN "t1"."bad" = 0 THEN "t1"."y" ELSE NULL END AS "y",
    CASE WHEN "t1"."bad" = 0 THEN "t1"."x" ELSE NULL END AS "x",
    "t1"."bad" AS "bad",
    CAST(CAST(FLOOR((
      "t1"."v"
    ) / (
      100000
    )) AS Nullable(Int64)) AS Nullable(Int32)) AS "k",
    CASE WHEN "t1"."bad" < 0 THEN "t1"."v" ELSE NULL END AS "w",
    CAST(1 AS Nullable(Int64)) AS "rows",
    CAST(CASE WHEN (
      "t1"."v" % 100000
    ) = 0 THEN 1 ELSE 0 END AS Nullable(Int64)) AS "low_rows",
    CASE WHEN "t1"."bad" = 0 THEN toDate("t1"."t") ELSE NULL END AS "day"
  FROM (
    SELECT
      "t0"."user_id" AS "u",
      CASE
        WHEN nullIf("t0"."variation", '') = 'candidate'
        THEN 0
        WHEN nullIf("t0"."variation", '') = 'control'
        THEN 1
        WHEN nullIf("t0"."variation", '') = 'B'
        THEN 100000
        WHEN nullIf("t0"."variation", '') = 'x'
        THEN 200000
        ELSE CAST(NULL AS Nullable(Int32))
      END AS "v",
      toTimeZone(CAST("t0"."day" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "t",
      CAST(CASE WHEN "t0"."converted" THEN 1 WHEN NOT (
        "t0"."converted"
      ) THEN 0 ELSE NULL END AS Nullable(Float64)) AS "y",
      "t0"."before" AS "x",
      CAST(CASE
        WHEN isNull("t0"."user_id")
        THEN 1
        WHEN isNull(nullIf("t0"."variation", ''))
        THEN 2
        WHEN isNull(toTimeZone(CAST("t0"."day" AS Nullable(DateTime64(6, 'UTC'))), 'UTC'))
        THEN 3
        WHEN (
          toTimeZone(CAST("t0"."day" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') < parseDateTimeBestEffort('1970-01-01T00:00:00+00:00', 'UTC')
        )
        OR (
          toTimeZone(CAST("t0"."day" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') >= parseDateTimeBestEffort('2200-01-01T00:00:00+00:00', 'UTC')
        )
        THEN 4
        WHEN isNull("t0"."converted")
        THEN 5
        WHEN isNull("t0"."before")
        OR COALESCE(
          isNaN("t0"."before")
          OR isInfinite("t0"."before")
          OR (
            ABS("t0"."before") > 1.7976931348623157e+308
          ),
          FALSE
        )
        THEN 6
        ELSE 0
      END AS Nullable(Int16)) AS "bad"
    FROM "units" AS "t0"
  ) AS "t1"
) AS "t2"
GROUP BY
  "t2"."bad",
  "t2"."v",
  "t2"."w",
  "t2"."day"
