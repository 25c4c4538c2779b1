SELECT
  "t2"."bad" AS "bad",
  "t2"."v" AS "v",
  "t2"."day" AS "day",
  COUNT(*) AS "units",
  AVG("t2"."y") AS "mean",
  varPopStable("t2"."y") AS "variance",
  MIN("t2"."y") AS "least",
  MAX("t2"."y") AS "most",
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
    toDate("t1"."t") AS "day"
  FROM (
    SELECT
      "t0"."user_id" AS "u",
      nullIf("t0"."variation", '') AS "v",
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
  "t2"."day"
