"""Serves a build of Cinny on port 18080, set up for one homeserver: serve_cinny.py DIST_FOLDER SERVER_URL."""

import http.server, os, json, sys
root, hs = sys.argv[1], sys.argv[2]
class H(http.server.SimpleHTTPRequestHandler):
    def __init__(self,*a,**k): super().__init__(*a,directory=root,**k)
    def do_GET(self):
        if self.path.startswith('/config.json'):
            b=json.dumps({"defaultHomeserver":0,"homeserverList":[hs],"allowCustomHomeservers":True,"featuredCommunities":{"openAsDefault":False,"spaces":[],"rooms":[],"servers":[]},"hashRouter":{"enabled":False,"basename":"/"}}).encode()
            self.send_response(200); self.send_header('Content-Type','application/json'); self.end_headers(); self.wfile.write(b); return
        for f in ('olm.wasm','pdf.worker.min.js','manifest.json','config.json'):
            if self.path.split('?')[0].endswith('/'+f): self.path='/'+f
        for d in ('/assets/','/public/'):
            if d in self.path: self.path=d+self.path.split(d,1)[1]
        p=self.translate_path(self.path)
        if not os.path.isfile(p): self.path='/index.html'
        super().do_GET()
    def log_message(self,*a): pass
http.server.ThreadingHTTPServer(('127.0.0.1',18080),H).serve_forever()
