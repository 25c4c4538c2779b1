WITH "t7" AS (
  SELECT
    "t6"."k" AS "k",
    "t6"."u" AS "u",
    "t6"."rows" AS "rows",
    "t6"."v" AS "v",
    "t6"."w" AS "w",
    "t6"."low_rows" AS "low_rows",
    "t6"."c" AS "c",
    "t6"."c_high" AS "c_high",
    "t6"."t" AS "t",
    CAST(0 AS Nullable(Int16)) AS "bad"
  FROM (
    SELECT
      "t5"."k" AS "k",
      "t5"."u" AS "u",
      COUNT(*) AS "rows",
      MIN("t5"."v") AS "v",
      MAX("t5"."v") AS "w",
      countIf((
        "t5"."v" % 100000
      ) = 0) AS "low_rows",
      MIN("t5"."c") AS "c",
      MAX("t5"."c") AS "c_high",
      MIN("t5"."t") AS "t"
    FROM (
      SELECT
        "t4"."u" AS "u",
        "t4"."v" AS "v",
        "t4"."t" AS "t",
        "t4"."c" AS "c",
        "t4"."bad" AS "bad",
        CAST(CAST(FLOOR((
          "t4"."v"
        ) / (
          100000
        )) AS Nullable(Int64)) AS Nullable(Int32)) AS "k"
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
          toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "t",
          nullIf("t0"."team", '') AS "c",
          CAST(CASE
            WHEN isNull("t0"."user_id")
            THEN 1
            WHEN isNull(nullIf("t0"."variation", ''))
            THEN 2
            WHEN isNull(toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC'))
            THEN 3
            WHEN (
              toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') < parseDateTimeBestEffort('1970-01-01T00:00:00+00:00', 'UTC')
            )
            OR (
              toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') >= parseDateTimeBestEffort('2200-01-01T00:00:00+00:00', 'UTC')
            )
            THEN 4
            WHEN isNull(nullIf("t0"."team", ''))
            THEN 5
            ELSE 0
          END AS Nullable(Int16)) AS "bad"
        FROM "exposures" AS "t0"
      ) AS "t4"
      WHERE
        "t4"."bad" = 0
    ) AS "t5"
    GROUP BY
      "t5"."k",
      "t5"."u"
  ) AS "t6"
)
SELECT
  "t23"."bad" AS "bad",
  "t23"."v" AS "v",
  "t23"."w" AS "w",
  COUNT(*) AS "units",
  SUM("t23"."rows") AS "rows",
  SUM("t23"."low_rows") AS "low_rows",
  SUM("t23"."lost_y") AS "lost_y",
  SUM("t23"."members") AS "members",
  MAX("t23"."t") AS "last",
  AVG("t23"."y") AS "mean",
  varPopStable("t23"."y") AS "variance",
  MIN("t23"."y") AS "least",
  MAX("t23"."y") AS "most",
  SUM("t23"."y" * "t23"."y" * "t23"."y") AS "cubes",
  AVG("t23"."d") AS "d_mean",
  varPopStable("t23"."d") AS "d_variance",
  covarPopStable("t23"."y", "t23"."d") AS "yd"
FROM (
  SELECT
    "t22"."k" AS "k",
    "t22"."bad" AS "bad",
    "t22"."c" AS "c",
    "t22"."rows" AS "rows",
    "t22"."low_rows" AS "low_rows",
    "t22"."members" AS "members",
    "t22"."v" AS "v",
    CASE WHEN "t22"."bad" < 0 THEN "t22"."w" ELSE NULL END AS "w",
    CASE WHEN "t22"."bad" = 0 THEN "t22"."y" ELSE NULL END AS "y",
    "t22"."lost_y" AS "lost_y",
    CASE WHEN "t22"."bad" = 0 THEN "t22"."d" ELSE NULL END AS "d",
    "t22"."t" AS "t"
  FROM (
    SELECT
      "t21"."k" AS "k",
      CASE
        WHEN (
          "t21"."bad" = 0
        ) AND (
          "t21"."v" <> "t21"."w"
        )
        THEN -1
        ELSE "t21"."bad"
      END AS "bad",
      "t21"."c" AS "c",
      "t21"."rows" AS "rows",
      "t21"."low_rows" AS "low_rows",
      "t21"."members" AS "members",
      "t21"."v" AS "v",
      "t21"."w" AS "w",
      "t21"."y" AS "y",
      "t21"."lost_y" AS "lost_y",
      "t21"."d" AS "d",
      "t21"."t" AS "t"
    FROM (
      SELECT
        "t20".*
        EXCEPT ("fv")
      FROM (
        SELECT
          "t19"."k" AS "k",
          "t19"."bad" AS "bad",
          "t19"."c" AS "c",
          "t19"."fv" AS "fv",
          SUM("t19"."rows") AS "rows",
          SUM("t19"."low_rows") AS "low_rows",
          COUNT(*) AS "members",
          MIN("t19"."v") AS "v",
          MAX("t19"."w") AS "w",
          SUM("t19"."y") AS "y",
          SUM("t19"."lost_y") AS "lost_y",
          CAST(COUNT(*) AS Nullable(Float64)) AS "d",
          MAX("t19"."t") AS "t"
        FROM (
          SELECT
            "t18"."k" AS "k",
            "t18"."u" AS "u",
            "t18"."rows" AS "rows",
            "t18"."v" AS "v",
            "t18"."w" AS "w",
            "t18"."low_rows" AS "low_rows",
            CASE WHEN "t18"."bad" = 0 THEN "t18"."c" ELSE NULL END AS "c",
            "t18"."c_high" AS "c_high",
            "t18"."t" AS "t",
            "t18"."bad" AS "bad",
            "t18"."y" AS "y",
            "t18"."lost_y" AS "lost_y",
            CASE WHEN "t18"."bad" = 0 THEN NULL ELSE "t18"."v" END AS "fv"
          FROM (
            SELECT
              "t17"."k" AS "k",
              "t17"."u" AS "u",
              "t17"."rows" AS "rows",
              "t17"."v" AS "v",
              "t17"."w" AS "w",
              "t17"."low_rows" AS "low_rows",
              "t17"."c" AS "c",
              "t17"."c_high" AS "c_high",
              "t17"."t" AS "t",
              CASE
                WHEN (
                  "t17"."bad" = 0
                ) AND (
                  "t17"."c" <> "t17"."c_high"
                )
                THEN -3
                ELSE "t17"."bad"
              END AS "bad",
              "t17"."y" AS "y",
              "t17"."lost_y" AS "lost_y"
            FROM (
              SELECT
                "t9"."k" AS "k",
                "t9"."u" AS "u",
                "t9"."rows" AS "rows",
                "t9"."v" AS "v",
                "t9"."w" AS "w",
                "t9"."low_rows" AS "low_rows",
                "t9"."c" AS "c",
                "t9"."c_high" AS "c_high",
                "t9"."t" AS "t",
                "t9"."bad" AS "bad",
                COALESCE("t16"."y", 0) AS "y",
                COALESCE("t16"."lost_y", 0) AS "lost_y"
              FROM "t7" AS "t9"
              LEFT OUTER JOIN (
                SELECT
                  "t14"."k" AS "k",
                  "t14"."u" AS "u",
                  CAST(maxIf(
                    CASE WHEN "t14"."fy" <> 0 THEN 1 ELSE 0 END,
                    (
                      "t14"."ft" >= "t14"."t"
                    ) AND NOT (
                      "t14"."no_y"
                    )
                  ) AS Nullable(Float64)) AS "y",
                  countIf("t14"."u", (
                    "t14"."ft" >= "t14"."t"
                  ) AND "t14"."no_y") AS "lost_y"
                FROM (
                  SELECT
                    *
                  FROM (
                    SELECT
                      "t3"."u" AS "u",
                      "t3"."ft" AS "ft",
                      "t3"."fy" AS "fy",
                      "t3"."no_y" AS "no_y",
                      "t12"."k" AS "k",
                      "t12"."t" AS "t"
                    FROM (
                      SELECT
                        "t1"."user_id" AS "u",
                        toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "ft",
                        CAST("t1"."qty" AS Nullable(Float64)) AS "fy",
                        isNull("t1"."qty") AS "no_y"
                      FROM "orders" AS "t1"
                      WHERE
                        (
                          "t1"."event" = 'paid'
                        ) OR (
                          "t1"."event" = 'renewed'
                        )
                    ) AS "t3"
                    INNER JOIN (
                      SELECT
                        "t10"."k" AS "k",
                        "t10"."u" AS "u",
                        "t10"."t" AS "t"
                      FROM "t7" AS "t10"
                    ) AS "t12"
                      ON "t3"."u" = "t12"."u"
                  ) AS "t13"
                  WHERE
                    "t13"."ft" >= "t13"."t"
                ) AS "t14"
                GROUP BY
                  "t14"."k",
                  "t14"."u"
              ) AS "t16"
                ON "t9"."k" = "t16"."k" AND "t9"."u" = "t16"."u"
            ) AS "t17"
          ) AS "t18"
        ) AS "t19"
        GROUP BY
          "t19"."k",
          "t19"."bad",
          "t19"."c",
          "t19"."fv"
      ) AS "t20"
    ) AS "t21"
  ) AS "t22"
) AS "t23"
GROUP BY
  "t23"."bad",
  "t23"."v",
  "t23"."w"
