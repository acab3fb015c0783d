// Looks a citizen up by gRPC and by JSON, and meets an error and a deadline.
//
// Needs LGSP_ADDRESS (host:port), LGSP_CA (who vouches for the gateway), LGSP_APPLICATION and LGSP_KEY (its private key). The code of the
// contracts is generated into lgsp/: see prepare.
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	population "example/lgsp/population/v1"
)

const (
	known  = "092085000011"
	nobody = "092199000404"
)

// key reads an Ed25519 key of PKCS#8, also where its public half stands beside it, which x509 does not take.
func key(file string) ed25519.PrivateKey {
	block, _ := pem.Decode(must(os.ReadFile(file)))
	var outer struct {
		Version   int
		Algorithm struct{ OID asn1.ObjectIdentifier }
		Key       []byte
		Public    asn1.BitString `asn1:"optional,tag:1"`
	}
	must(asn1.Unmarshal(block.Bytes, &outer))
	var seed []byte
	must(asn1.Unmarshal(outer.Key, &seed))
	return ed25519.NewKeyFromSeed(seed)
}

// token is signed with the application's own key, and good for a minute. Sign a new one before it ends, not one for each call.
func token(application string, key ed25519.PrivateKey) string {
	encoded := func(part any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(part))) }
	now := time.Now().Unix()
	header := map[string]any{"alg": "EdDSA", "kid": application + "-1"}
	claims := map[string]any{"iss": application, "sub": application, "aud": "lgsp", "iat": now, "exp": now + 60}
	signed := encoded(header) + "." + encoded(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
}

type client struct {
	address    string
	said       map[string]string
	population population.PopulationServiceClient
	http       *http.Client
}

func (c client) byGrpc(number string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, metadata.New(c.said))
	answer, err := c.population.GetCitizen(ctx, &population.GetCitizenRequest{PersonalNumber: number})
	return answer.GetCitizen().GetFullName(), err
}

// reason is the hub's own: what to do about each is in docs/errors.md.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	// Our own time ran out before the hub could answer.
	return status.Code(err).String()
}

func (c client) byJSON(number string, timeout time.Duration) (string, error) {
	// A little longer than the hub takes to say that it was too late.
	ctx, cancel := context.WithTimeout(context.Background(), timeout+5*time.Second)
	defer cancel()
	body := bytes.NewReader(must(json.Marshal(map[string]string{"personalNumber": number})))
	url := "https://" + c.address + "/lgsp.population.v1.PopulationService/GetCitizen"
	request := must(http.NewRequestWithContext(ctx, http.MethodPost, url, body))
	request.Header.Set("content-type", "application/json")
	request.Header.Set("connect-timeout-ms", strconv.FormatInt(timeout.Milliseconds(), 10))
	for name, value := range c.said {
		request.Header.Set(name, value)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var told struct {
		Citizen struct{ FullName string }
		Code    string
		Details []struct {
			Type  string
			Debug struct{ Reason string }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		return "", err
	}
	if answer.StatusCode == http.StatusOK {
		return told.Citizen.FullName, nil
	}
	for _, detail := range told.Details {
		if detail.Type == "google.rpc.ErrorInfo" {
			return "", errors.New(detail.Debug.Reason)
		}
	}
	return "", errors.New(told.Code)
}

func main() {
	address, application := os.Getenv("LGSP_ADDRESS"), os.Getenv("LGSP_APPLICATION")
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(must(os.ReadFile(os.Getenv("LGSP_CA"))))
	secure := &tls.Config{RootCAs: trusted}
	channel := must(grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(secure))))
	defer channel.Close()
	c := client{
		address: address,
		said: map[string]string{
			"authorization": "Bearer " + token(application, key(os.Getenv("LGSP_KEY"))),
			"lgsp-purpose":  "prefill",
			"lgsp-dossier":  "H13.01-260601-0001",
		},
		population: population.NewPopulationServiceClient(channel),
		http:       &http.Client{Transport: &http.Transport{TLSClientConfig: secure, ForceAttemptHTTP2: true}},
	}

	fmt.Println("grpc:", must(c.byGrpc(known, 10*time.Second)))
	fmt.Println("json:", must(c.byJSON(known, 10*time.Second)))
	for _, trial := range []struct {
		what, number string
		timeout      time.Duration
	}{{"error", nobody, 10 * time.Second}, {"deadline", known, time.Millisecond}} {
		if _, err := c.byGrpc(trial.number, trial.timeout); err != nil {
			fmt.Printf("grpc %s: %s\n", trial.what, reason(err))
		}
		if _, err := c.byJSON(trial.number, trial.timeout); err != nil {
			fmt.Printf("json %s: %s\n", trial.what, err)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
