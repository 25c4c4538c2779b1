WITH "t7" AS (
  SELECT
    "t6"."k",
    "t6"."u",
    "t6"."rows",
    "t6"."v",
    "t6"."w",
    "t6"."low_rows",
    "t6"."c",
    "t6"."c_high",
    "t6"."t",
    CAST(0 AS SMALLINT) AS "bad"
  FROM (
    SELECT
      "t5"."k",
      "t5"."u",
      COUNT(*) AS "rows",
      MIN("t5"."v") AS "v",
      MAX("t5"."v") AS "w",
      COUNT(*) FILTER(WHERE
        (
          "t5"."v" % 100000
        ) = 0) AS "low_rows",
      MIN("t5"."c") AS "c",
      MAX("t5"."c") AS "c_high",
      MIN("t5"."t") AS "t"
    FROM (
      SELECT
        "t4"."u",
        "t4"."v",
        "t4"."t",
        "t4"."c",
        "t4"."bad",
        CAST(CAST(FLOOR(CAST((
          "t4"."v"
        ) AS DOUBLE PRECISION) / (
          100000
        )) AS BIGINT) AS INT) AS "k"
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
            ELSE CAST(NULL AS INT)
          END AS "v",
          CAST("t0"."ts" AS TIMESTAMP) AS "t",
          NULLIF("t0"."team", '') AS "c",
          CAST(CASE
            WHEN "t0"."user_id" IS NULL
            THEN 1
            WHEN NULLIF("t0"."variation", '') IS NULL
            THEN 2
            WHEN CAST("t0"."ts" AS TIMESTAMP) IS NULL
            THEN 3
            WHEN (
              CAST("t0"."ts" AS TIMESTAMP) < CAST('1970-01-01T00:00:00' AS TIMESTAMP)
            )
            OR (
              CAST("t0"."ts" AS TIMESTAMP) >= CAST('2200-01-01T00:00:00' AS TIMESTAMP)
            )
            THEN 4
            WHEN NULLIF("t0"."team", '') IS NULL
            THEN 5
            ELSE 0
          END AS SMALLINT) AS "bad"
        FROM "exposures" AS "t0"
      ) AS "t4"
      WHERE
        "t4"."bad" = 0
    ) AS "t5"
    GROUP BY
      1,
      2
  ) AS "t6"
)
SELECT
  "t23"."bad",
  "t23"."v",
  "t23"."w",
  COUNT(*) AS "units",
  SUM("t23"."rows") AS "rows",
  SUM("t23"."low_rows") AS "low_rows",
  SUM("t23"."lost_y") AS "lost_y",
  SUM("t23"."members") AS "members",
  MAX("t23"."t") AS "last",
  AVG("t23"."y") AS "mean",
  VAR_POP("t23"."y") AS "variance",
  MIN("t23"."y") AS "least",
  MAX("t23"."y") AS "most",
  SUM("t23"."y" * "t23"."y" * "t23"."y") AS "cubes",
  AVG("t23"."d") AS "d_mean",
  VAR_POP("t23"."d") AS "d_variance",
  COVAR_POP("t23"."y", "t23"."d") AS "yd"
FROM (
  SELECT
    "t22"."k",
    "t22"."bad",
    "t22"."c",
    "t22"."rows",
    "t22"."low_rows",
    "t22"."members",
    "t22"."v",
    CASE WHEN "t22"."bad" < 0 THEN "t22"."w" ELSE NULL END AS "w",
    CASE WHEN "t22"."bad" = 0 THEN "t22"."y" ELSE NULL END AS "y",
    "t22"."lost_y",
    CASE WHEN "t22"."bad" = 0 THEN "t22"."d" ELSE NULL END AS "d",
    "t22"."t"
  FROM (
    SELECT
      "t21"."k",
      CASE
        WHEN (
          "t21"."bad" = 0
        ) AND (
          "t21"."v" <> "t21"."w"
        )
        THEN -1
        ELSE "t21"."bad"
      END AS "bad",
      "t21"."c",
      "t21"."rows",
      "t21"."low_rows",
      "t21"."members",
      "t21"."v",
      "t21"."w",
      "t21"."y",
      "t21"."lost_y",
      "t21"."d",
      "t21"."t"
    FROM (
      SELECT
        "t20"."k",
        "t20"."bad",
        "t20"."c",
        "t20"."rows",
        "t20"."low_rows",
        "t20"."members",
        "t20"."v",
        "t20"."w",
        "t20"."y",
        "t20"."lost_y",
        "t20"."d",
        "t20"."t"
      FROM (
        SELECT
          "t19"."k",
          "t19"."bad",
          "t19"."c",
          "t19"."fv",
          SUM("t19"."rows") AS "rows",
          SUM("t19"."low_rows") AS "low_rows",
          COUNT(*) AS "members",
          MIN("t19"."v") AS "v",
          MAX("t19"."w") AS "w",
          SUM("t19"."y") AS "y",
          SUM("t19"."lost_y") AS "lost_y",
          CAST(COUNT(*) AS DOUBLE PRECISION) AS "d",
          MAX("t19"."t") AS "t"
        FROM (
          SELECT
            "t18"."k",
            "t18"."u",
            "t18"."rows",
            "t18"."v",
            "t18"."w",
            "t18"."low_rows",
            CASE WHEN "t18"."bad" = 0 THEN "t18"."c" ELSE NULL END AS "c",
            "t18"."c_high",
            "t18"."t",
            "t18"."bad",
            "t18"."y",
            "t18"."lost_y",
            CASE WHEN "t18"."bad" = 0 THEN NULL ELSE "t18"."v" END AS "fv"
          FROM (
            SELECT
              "t17"."k",
              "t17"."u",
              "t17"."rows",
              "t17"."v",
              "t17"."w",
              "t17"."low_rows",
              "t17"."c",
              "t17"."c_high",
              "t17"."t",
              CASE
                WHEN (
                  "t17"."bad" = 0
                ) AND (
                  "t17"."c" <> "t17"."c_high"
                )
                THEN -3
                ELSE "t17"."bad"
              END AS "bad",
              "t17"."y",
              "t17"."lost_y"
            FROM (
              SELECT
                "t9"."k",
                "t9"."u",
                "t9"."rows",
                "t9"."v",
                "t9"."w",
                "t9"."low_rows",
                "t9"."c",
                "t9"."c_high",
                "t9"."t",
                "t9"."bad",
                COALESCE("t16"."y", 0) AS "y",
                COALESCE("t16"."lost_y", 0) AS "lost_y"
              FROM "t7" AS "t9"
              LEFT OUTER JOIN (
                SELECT
                  "t14"."k",
                  "t14"."u",
                  CAST(MAX(CASE WHEN "t14"."fy" <> 0 THEN 1 ELSE 0 END) FILTER(WHERE
                    (
                      "t14"."ft" >= "t14"."t"
                    ) AND NOT (
                      "t14"."no_y"
                    )) AS DOUBLE PRECISION) AS "y",
                  COUNT("t14"."u") FILTER(WHERE
                    (
                      "t14"."ft" >= "t14"."t"
                    ) AND "t14"."no_y") AS "lost_y"
                FROM (
                  SELECT
                    *
                  FROM (
                    SELECT
                      "t3"."u",
                      "t3"."ft",
                      "t3"."fy",
                      "t3"."no_y",
                      "t12"."k",
                      "t12"."t"
                    FROM (
                      SELECT
                        "t1"."user_id" AS "u",
                        CAST("t1"."ts" AS TIMESTAMP) AS "ft",
                        CAST("t1"."qty" AS DOUBLE PRECISION) AS "fy",
                        "t1"."qty" IS NULL AS "no_y"
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
                        "t10"."k",
                        "t10"."u",
                        "t10"."t"
                      FROM "t7" AS "t10"
                    ) AS "t12"
                      ON "t3"."u" = "t12"."u"
                  ) AS "t13"
                  WHERE
                    "t13"."ft" >= "t13"."t"
                ) AS "t14"
                GROUP BY
                  1,
                  2
              ) AS "t16"
                ON "t9"."k" = "t16"."k" AND "t9"."u" = "t16"."u"
            ) AS "t17"
          ) AS "t18"
        ) AS "t19"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t20"
    ) AS "t21"
  ) AS "t22"
) AS "t23"
GROUP BY
  1,
  2,
  3
