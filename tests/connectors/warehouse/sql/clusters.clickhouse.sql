SELECT
  "t16"."bad" AS "bad",
  "t16"."v" AS "v",
  "t16"."w" AS "w",
  COUNT(*) AS "units",
  SUM("t16"."rows") AS "rows",
  SUM("t16"."low_rows") AS "low_rows",
  AVG("t16"."y") AS "mean",
  varPop("t16"."y") AS "variance",
  MIN("t16"."y") AS "least",
  MAX("t16"."y") AS "most",
  MIN((
    "t16"."y" = 0
  ) OR (
    "t16"."y" = 1
  )) AS "zero_one",
  SUM("t16"."y" * "t16"."y" * "t16"."y") AS "cubes",
  SUM("t16"."lost_y") AS "lost_y",
  SUM("t16"."members") AS "members",
  MAX("t16"."t") AS "last",
  AVG("t16"."d") AS "d_mean",
  varPop("t16"."d") AS "d_variance",
  covarPop("t16"."y", "t16"."d") AS "yd"
FROM (
  SELECT
    "t15"."k" AS "k",
    "t15"."bad" AS "bad",
    "t15"."c" AS "c",
    "t15"."rows" AS "rows",
    "t15"."low_rows" AS "low_rows",
    "t15"."members" AS "members",
    "t15"."v" AS "v",
    CASE WHEN "t15"."bad" < 0 THEN "t15"."w" ELSE NULL END AS "w",
    CASE WHEN "t15"."bad" = 0 THEN "t15"."y" ELSE NULL END AS "y",
    "t15"."lost_y" AS "lost_y",
    CASE WHEN "t15"."bad" = 0 THEN "t15"."d" ELSE NULL END AS "d",
    "t15"."t" AS "t"
  FROM (
    SELECT
      "t14"."k" AS "k",
      CASE
        WHEN (
          "t14"."bad" = 0
        ) AND (
          "t14"."v" <> "t14"."w"
        )
        THEN -1
        ELSE "t14"."bad"
      END AS "bad",
      "t14"."c" AS "c",
      "t14"."rows" AS "rows",
      "t14"."low_rows" AS "low_rows",
      "t14"."members" AS "members",
      "t14"."v" AS "v",
      "t14"."w" AS "w",
      "t14"."y" AS "y",
      "t14"."lost_y" AS "lost_y",
      "t14"."d" AS "d",
      "t14"."t" AS "t"
    FROM (
      SELECT
        "t13".*
        EXCEPT ("fv")
      FROM (
        SELECT
          "t12"."k" AS "k",
          "t12"."bad" AS "bad",
          "t12"."c" AS "c",
          "t12"."fv" AS "fv",
          SUM("t12"."rows") AS "rows",
          SUM("t12"."low_rows") AS "low_rows",
          COUNT(*) AS "members",
          MIN("t12"."v") AS "v",
          MAX("t12"."w") AS "w",
          SUM("t12"."y") AS "y",
          SUM("t12"."lost_y") AS "lost_y",
          CAST(COUNT(*) AS Nullable(Float64)) AS "d",
          MAX("t12"."t") AS "t"
        FROM (
          SELECT
            "t11"."k" AS "k",
            "t11"."u" AS "u",
            "t11"."rows" AS "rows",
            "t11"."v" AS "v",
            "t11"."w" AS "w",
            "t11"."low_rows" AS "low_rows",
            "t11"."t" AS "t",
            CASE WHEN "t11"."bad" = 0 THEN "t11"."c" ELSE NULL END AS "c",
            "t11"."c_high" AS "c_high",
            "t11"."y" AS "y",
            "t11"."lost_y" AS "lost_y",
            "t11"."bad" AS "bad",
            CASE WHEN "t11"."bad" = 0 THEN NULL ELSE "t11"."v" END AS "fv"
          FROM (
            SELECT
              "t10"."k" AS "k",
              "t10"."u" AS "u",
              "t10"."rows" AS "rows",
              "t10"."v" AS "v",
              "t10"."w" AS "w",
              "t10"."low_rows" AS "low_rows",
              "t10"."t" AS "t",
              "t10"."c" AS "c",
              "t10"."c_high" AS "c_high",
              "t10"."y" AS "y",
              "t10"."lost_y" AS "lost_y",
              CASE
                WHEN (
                  CAST(0 AS Nullable(Int16)) = 0
                ) AND (
                  "t10"."c" <> "t10"."c_high"
                )
                THEN -3
                ELSE CAST(0 AS Nullable(Int16))
              END AS "bad"
            FROM (
              SELECT
                "t9"."k" AS "k",
                "t9"."u" AS "u",
                MIN("t9"."rows") AS "rows",
                MIN("t9"."v") AS "v",
                MIN("t9"."w") AS "w",
                MIN("t9"."low_rows") AS "low_rows",
                MIN("t9"."t") AS "t",
                MIN("t9"."c") AS "c",
                MIN("t9"."c_high") AS "c_high",
                COALESCE(
                  maxIf(
                    CASE WHEN "t9"."fy" <> 0 THEN 1.0 ELSE 0.0 END,
                    (
                      "t9"."ft" >= "t9"."t"
                    ) AND NOT (
                      "t9"."no_y"
                    )
                  ),
                  0.0
                ) AS "y",
                countIf("t9"."fu", (
                  "t9"."ft" >= "t9"."t"
                ) AND "t9"."no_y") AS "lost_y"
              FROM (
                SELECT
                  "t8"."k" AS "k",
                  "t8"."u" AS "u",
                  "t8"."rows" AS "rows",
                  "t8"."v" AS "v",
                  "t8"."w" AS "w",
                  "t8"."low_rows" AS "low_rows",
                  "t8"."t" AS "t",
                  "t8"."c" AS "c",
                  "t8"."c_high" AS "c_high",
                  "t8"."bad" AS "bad",
                  "t3"."fu" AS "fu",
                  "t3"."ft" AS "ft",
                  "t3"."fy" AS "fy",
                  "t3"."no_y" AS "no_y"
                FROM (
                  SELECT
                    "t6"."k" AS "k",
                    "t6"."u" AS "u",
                    "t6"."rows" AS "rows",
                    "t6"."v" AS "v",
                    "t6"."w" AS "w",
                    "t6"."low_rows" AS "low_rows",
                    "t6"."t" AS "t",
                    "t6"."c" AS "c",
                    "t6"."c_high" AS "c_high",
                    CAST(0 AS Nullable(Int16)) AS "bad"
                  FROM (
                    SELECT
                      "t5"."k" AS "k",
                      "t5"."u" AS "u",
                      COUNT(*) AS "rows",
                      MIN("t5"."v") AS "v",
                      MAX("t5"."v") AS "w",
                      SUM(CASE WHEN (
                        "t5"."v" % 100000
                      ) = 0 THEN 1 ELSE 0 END) AS "low_rows",
                      MIN("t5"."t") AS "t",
                      MIN("t5"."c") AS "c",
                      MAX("t5"."c") AS "c_high"
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
                          "t1"."user_id" AS "u",
                          CASE
                            WHEN nullIf("t1"."variation", '') = 'candidate'
                            THEN 0
                            WHEN nullIf("t1"."variation", '') = 'control'
                            THEN 1
                            WHEN nullIf("t1"."variation", '') = 'B'
                            THEN 100000
                            WHEN nullIf("t1"."variation", '') = 'x'
                            THEN 200000
                            ELSE CAST(NULL AS Nullable(Int32))
                          END AS "v",
                          toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "t",
                          nullIf("t1"."team", '') AS "c",
                          CAST(CASE
                            WHEN isNull("t1"."user_id")
                            THEN 1
                            WHEN isNull(nullIf("t1"."variation", ''))
                            THEN 2
                            WHEN isNull(toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC'))
                            THEN 3
                            WHEN (
                              toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') < parseDateTimeBestEffort('1970-01-01T00:00:00+00:00', 'UTC')
                            )
                            OR (
                              toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') >= parseDateTimeBestEffort('2200-01-01T00:00:00+00:00', 'UTC')
                            )
                            THEN 4
                            WHEN isNull(nullIf("t1"."team", ''))
                            THEN 5
                            ELSE 0
                          END AS Nullable(Int16)) AS "bad"
                        FROM "exposures" AS "t1"
                      ) AS "t4"
                      WHERE
                        "t4"."bad" = 0
                    ) AS "t5"
                    GROUP BY
                      "t5"."k",
                      "t5"."u"
                  ) AS "t6"
                ) AS "t8"
                LEFT OUTER JOIN (
                  SELECT
                    "t0"."user_id" AS "fu",
                    toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "ft",
                    CAST("t0"."qty" AS Nullable(Float64)) AS "fy",
                    isNull("t0"."qty") AS "no_y"
                  FROM "orders" AS "t0"
                  WHERE
                    (
                      "t0"."event" = 'paid'
                    ) OR (
                      "t0"."event" = 'renewed'
                    )
                ) AS "t3"
                  ON "t8"."u" = "t3"."fu" AND "t3"."ft" >= "t8"."t"
              ) AS "t9"
              GROUP BY
                "t9"."k",
                "t9"."u"
            ) AS "t10"
          ) AS "t11"
        ) AS "t12"
        GROUP BY
          "t12"."k",
          "t12"."bad",
          "t12"."c",
          "t12"."fv"
      ) AS "t13"
    ) AS "t14"
  ) AS "t15"
) AS "t16"
GROUP BY
  "t16"."bad",
  "t16"."v",
  "t16"."w"
