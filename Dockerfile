# One image, three programs. The command chooses: gateway, cloud-sync or firmware-sim.
#   docker run -v ./site:/config:ro -v postern:/data IMAGE gateway --config /config/gateway.yaml --data /data

FROM node:26-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node itself, so the one that package-lock.json pins for other machines stays out.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:26-slim
# npm is not needed to run. /data belongs to the user the programs run as: a new volume takes owner and mode from here.
RUN rm -rf /usr/local/lib/node_modules/npm /usr/local/bin/npm /usr/local/bin/npx \
  && install -d -m 0700 -o node -g node /data \
  && install -d -m 0755 /config
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json tsconfig.json LICENSE ./
COPY bin ./bin
COPY cli ./cli
COPY config ./config
COPY gateway ./gateway
COPY cloud-sync ./cloud-sync
COPY firmware-sim ./firmware-sim
COPY web ./web

ENV NODE_ENV=production
# Memory that is free goes back to the system (cli/service-process.ts).
ENV MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
# The gateway's; compose.yaml names the others'.
ENV POSTERN_HEALTH_URL=http://127.0.0.1:8080/healthz
USER node
VOLUME ["/config", "/data"]
# LAN pages, cloud-sync, MQTT over TLS.
EXPOSE 8080 8090 8444 8883
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.POSTERN_HEALTH_URL, { signal: AbortSignal.timeout(4000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/postern.mjs"]
CMD ["--help"]
