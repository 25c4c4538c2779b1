SELECT
  "t18"."bad",
  "t18"."v",
  "t18"."w",
  COUNT(*) AS "units",
  SUM("t18"."rows") AS "rows",
  SUM("t18"."low_rows") AS "low_rows",
  AVG("t18"."y") AS "mean",
  VAR_POP("t18"."y") AS "variance",
  MIN("t18"."y") AS "least",
  MAX("t18"."y") AS "most",
  BOOL_AND((
    "t18"."y" = 0
  ) OR (
    "t18"."y" = 1
  )) AS "zero_one",
  SUM("t18"."y" * "t18"."y" * "t18"."y") AS "cubes",
  SUM("t18"."lost_y") AS "lost_y",
  SUM("t18"."members") AS "members",
  MAX("t18"."t") AS "last",
  AVG("t18"."d") AS "d_mean",
  VAR_POP("t18"."d") AS "d_variance",
  COVAR_POP("t18"."y", "t18"."d") AS "yd"
FROM (
  SELECT
    "t17"."k",
    "t17"."bad",
    "t17"."c",
    "t17"."rows",
    "t17"."low_rows",
    "t17"."members",
    "t17"."v",
    IF("t17"."bad" < 0, "t17"."w", NULL) AS "w",
    IF("t17"."bad" = 0, "t17"."y", NULL) AS "y",
    "t17"."lost_y",
    IF("t17"."bad" = 0, "t17"."d", NULL) AS "d",
    "t17"."t"
  FROM (
    SELECT
      "t16"."k",
      IF((
        "t16"."bad" = 0
      ) AND (
        "t16"."v" <> "t16"."w"
      ), -1, "t16"."bad") AS "bad",
      "t16"."c",
      "t16"."rows",
      "t16"."low_rows",
      "t16"."members",
      "t16"."v",
      "t16"."w",
      "t16"."y",
      "t16"."lost_y",
      "t16"."d",
      "t16"."t"
    FROM (
      SELECT
        "t15"."k",
        "t15"."bad",
        "t15"."c",
        "t15"."rows",
        "t15"."low_rows",
        "t15"."members",
        "t15"."v",
        "t15"."w",
        "t15"."y",
        "t15"."lost_y",
        "t15"."d",
        "t15"."t"
      FROM (
        SELECT
          "t14"."k",
          "t14"."bad",
          "t14"."c",
          "t14"."fv",
          SUM("t14"."rows") AS "rows",
          SUM("t14"."low_rows") AS "low_rows",
          COUNT(*) AS "members",
          MIN("t14"."v") AS "v",
          MAX("t14"."w") AS "w",
          SUM("t14"."y") AS "y",
          SUM("t14"."lost_y") AS "lost_y",
          CAST(COUNT(*) AS DOUBLE) AS "d",
          MAX("t14"."t") AS "t"
        FROM (
          SELECT
            "t13"."k",
            "t13"."u",
            "t13"."rows",
            "t13"."v",
            "t13"."w",
            "t13"."low_rows",
            "t13"."t",
            IF("t13"."bad" = 0, "t13"."c", NULL) AS "c",
            "t13"."c_high",
            "t13"."y",
            "t13"."lost_y",
            "t13"."bad",
            IF("t13"."bad" = 0, NULL, "t13"."v") AS "fv"
          FROM (
            SELECT
              "t12"."k",
              "t12"."u",
              "t12"."rows",
              "t12"."v",
              "t12"."w",
              "t12"."low_rows",
              "t12"."t",
              "t12"."c",
              "t12"."c_high",
              "t12"."y",
              "t12"."lost_y",
              CASE
                WHEN (
                  CAST(0 AS SMALLINT) = 0
                ) AND (
                  "t12"."c" <> "t12"."c_high"
                )
                THEN -3
                ELSE CAST(0 AS SMALLINT)
              END AS "bad"
            FROM (
              SELECT
                "t11"."k",
                "t11"."u",
                MIN("t11"."rows") AS "rows",
                MIN("t11"."v") AS "v",
                MIN("t11"."w") AS "w",
                MIN("t11"."low_rows") AS "low_rows",
                MIN("t11"."t") AS "t",
                MIN("t11"."c") AS "c",
                MIN("t11"."c_high") AS "c_high",
                COALESCE(
                  MAX(IF("t11"."fy" <> 0, CAST(1.0 AS DOUBLE), CAST(0.0 AS DOUBLE))) FILTER(WHERE
                    (
                      "t11"."ft" >= "t11"."t"
                    ) AND NOT (
                      "t11"."no_y"
                    )),
                  CAST(0.0 AS DOUBLE)
                ) AS "y",
                COUNT("t11"."fu") FILTER(WHERE
                  (
                    "t11"."ft" >= "t11"."t"
                  ) AND "t11"."no_y") AS "lost_y"
              FROM (
                SELECT
                  "t10"."k",
                  "t10"."u",
                  "t10"."rows",
                  "t10"."v",
                  "t10"."w",
                  "t10"."low_rows",
                  "t10"."t",
                  "t10"."c",
                  "t10"."c_high",
                  "t10"."bad",
                  "t5"."fu",
                  "t5"."ft",
                  "t5"."fy",
                  "t5"."no_y"
                FROM (
                  SELECT
                    "t8"."k",
                    "t8"."u",
                    "t8"."rows",
                    "t8"."v",
                    "t8"."w",
                    "t8"."low_rows",
                    "t8"."t",
                    "t8"."c",
                    "t8"."c_high",
                    CAST(0 AS SMALLINT) AS "bad"
                  FROM (
                    SELECT
                      "t7"."k",
                      "t7"."u",
                      COUNT(*) AS "rows",
                      MIN("t7"."v") AS "v",
                      MAX("t7"."v") AS "w",
                      SUM(IF((
                        "t7"."v" % 100000
                      ) = 0, 1, 0)) AS "low_rows",
                      MIN("t7"."t") AS "t",
                      MIN("t7"."c") AS "c",
                      MAX("t7"."c") AS "c_high"
                    FROM (
                      SELECT
                        "t6"."u",
                        "t6"."v",
                        "t6"."t",
                        "t6"."c",
                        "t6"."bad",
                        CAST(CAST(FLOOR(CAST((
                          "t6"."v"
                        ) AS DOUBLE) / (
                          100000
                        )) AS BIGINT) AS INTEGER) AS "k"
                      FROM (
                        SELECT
                          "t4"."u",
                          CASE
                            WHEN "t4"."v" = 'candidate'
                            THEN 0
                            WHEN "t4"."v" = 'control'
                            THEN 1
                            WHEN "t4"."v" = 'B'
                            THEN 100000
                            WHEN "t4"."v" = 'x'
                            THEN 200000
                            ELSE CAST(NULL AS INTEGER)
                          END AS "v",
                          "t4"."t",
                          "t4"."c",
                          "t4"."bad"
                        FROM (
                          SELECT
                            "t1"."user_id" AS "u",
                            NULLIF("t1"."variation", '') AS "v",
                            CAST(AT_TIMEZONE("t1"."ts", 'UTC') AS TIMESTAMP(6)) AS "t",
                            NULLIF("t1"."team", '') AS "c",
                            CAST(CASE
                              WHEN "t1"."user_id" IS NULL
                              THEN 1
                              WHEN NULLIF("t1"."variation", '') IS NULL
                              THEN 2
                              WHEN CAST(AT_TIMEZONE("t1"."ts", 'UTC') AS TIMESTAMP(6)) IS NULL
                              THEN 3
                              WHEN (
                                CAST(AT_TIMEZONE("t1"."ts", 'UTC') AS TIMESTAMP(6)) < CAST(FROM_ISO8601_TIMESTAMP('1970-01-01T00:00:00') AS TIMESTAMP(6))
                              )
                              OR (
                                CAST(AT_TIMEZONE("t1"."ts", 'UTC') AS TIMESTAMP(6)) >= CAST(FROM_ISO8601_TIMESTAMP('2200-01-01T00:00:00') AS TIMESTAMP(6))
                              )
                              THEN 4
                              WHEN NULLIF("t1"."team", '') IS NULL
                              THEN 5
                              ELSE 0
                            END AS SMALLINT) AS "bad"
                          FROM "exposures" AS "t1"
                        ) AS "t4"
                      ) AS "t6"
                      WHERE
                        "t6"."bad" = 0
                    ) AS "t7"
                    GROUP BY
                      1,
                      2
                  ) AS "t8"
                ) AS "t10"
                LEFT OUTER JOIN (
                  SELECT
                    "t2"."user_id" AS "fu",
                    CAST(AT_TIMEZONE("t2"."ts", 'UTC') AS TIMESTAMP(6)) AS "ft",
                    CAST("t2"."qty" AS DOUBLE) AS "fy",
                    "t2"."qty" IS NULL AS "no_y"
                  FROM (
                    SELECT
                      *
                    FROM "orders" AS "t0"
                    WHERE
                      (
                        "t0"."event" = 'paid'
                      ) OR (
                        "t0"."event" = 'renewed'
                      )
                  ) AS "t2"
                ) AS "t5"
                  ON "t10"."u" = "t5"."fu" AND "t5"."ft" >= "t10"."t"
              ) AS "t11"
              GROUP BY
                1,
                2
            ) AS "t12"
          ) AS "t13"
        ) AS "t14"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t15"
    ) AS "t16"
  ) AS "t17"
) AS "t18"
GROUP BY
  1,
  2,
  3
