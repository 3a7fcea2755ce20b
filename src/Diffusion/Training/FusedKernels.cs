using System.Runtime.InteropServices;

namespace Diffusion.Training;

/// <summary>
/// libtorch's fused kernels, which TorchSharp does not expose, reached through TorchScript: one call for all parameters instead of
/// ten for each.
/// </summary>
internal sealed class FusedKernels : TensorKernels
{
    // A script ends with an empty line; scripts are constant because a semantic error in one ends the process.
    private const string Script = """
        def norm(g: List[Tensor]) -> Tensor:
            return torch.norm(torch.stack(torch._foreach_norm(g, 2.0)), 2.0)
        def lerp(to: List[Tensor], source: List[Tensor], w: float) -> int:
            torch._foreach_lerp_(to, source, w)
            return 0
        def adamw(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], mx: List[Tensor], st: List[Tensor], lr: float, b1: float, b2: float, wd: float, eps: float, skip: Tensor) -> int:
            torch._fused_adamw_(p, g, m, v, mx, st, lr=lr, beta1=b1, beta2=b2, weight_decay=wd, eps=eps, amsgrad=False, maximize=False, grad_scale=None, found_inf=skip)
            return 0
        def adamw_divided(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], mx: List[Tensor], st: List[Tensor], lr: float, b1: float, b2: float, wd: float, eps: float, skip: Tensor, d: Tensor) -> int:
            torch._fused_adamw_(p, g, m, v, mx, st, lr=lr, beta1=b1, beta2=b2, weight_decay=wd, eps=eps, amsgrad=False, maximize=False, grad_scale=d, found_inf=skip)
            return 0
        def adam(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], mx: List[Tensor], st: List[Tensor], lr: float, b1: float, b2: float, wd: float, eps: float, skip: Tensor) -> int:
            torch._fused_adam_(p, g, m, v, mx, st, lr=lr, beta1=b1, beta2=b2, weight_decay=wd, eps=eps, amsgrad=False, maximize=False, grad_scale=None, found_inf=skip)
            return 0
        def adam_divided(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], mx: List[Tensor], st: List[Tensor], lr: float, b1: float, b2: float, wd: float, eps: float, skip: Tensor, d: Tensor) -> int:
            torch._fused_adam_(p, g, m, v, mx, st, lr=lr, beta1=b1, beta2=b2, weight_decay=wd, eps=eps, amsgrad=False, maximize=False, grad_scale=d, found_inf=skip)
            return 0
        def sgd(p: List[Tensor], g: List[Tensor], m: List[Tensor], lr: float, mom: float, wd: float, nesterov: bool, skip: Tensor) -> int:
            torch._fused_sgd_(p, g, m, weight_decay=wd, momentum=mom, lr=lr, dampening=0.0, nesterov=nesterov, maximize=False, is_first_step=False, grad_scale=None, found_inf=skip)
            return 0
        def sgd_divided(p: List[Tensor], g: List[Tensor], m: List[Tensor], lr: float, mom: float, wd: float, nesterov: bool, skip: Tensor, d: Tensor) -> int:
            torch._fused_sgd_(p, g, m, weight_decay=wd, momentum=mom, lr=lr, dampening=0.0, nesterov=nesterov, maximize=False, is_first_step=False, grad_scale=d, found_inf=skip)
            return 0

        """;

    private static readonly Lazy<FusedKernels?> Probed = new(Probe);

    private readonly jit.CompilationUnit _unit;

    private FusedKernels(jit.CompilationUnit unit) => _unit = unit;

    /// <summary>The kernels, or null where they cannot be reached.</summary>
    public static FusedKernels? Instance => Probed.Value;

    public override Tensor Norm(Tensor[] tensors) => _unit.invoke<Tensor>("norm", new object[] { tensors });

    public override void Lerp(Tensor[] targets, Tensor[] sources, double weight) => Invoke("lerp", targets, sources, weight);

    public override void Adam(ParameterTensors p, AdamNumbers n, Tensor? divisor, Tensor skip)
    {
        var name = n.Decoupled ? "adamw" : "adam";
        object[] arguments = [p.Values, p.Gradients, p.First, p.Second, Array.Empty<Tensor>(), p.Steps, n.Rate, n.Beta1, n.Beta2, n.Decay, n.Epsilon, skip];
        if (divisor is null) Invoke(name, arguments);
        else Invoke($"{name}_divided", [.. arguments, divisor]);
    }

    public override void Sgd(ParameterTensors p, SgdNumbers n, Tensor? divisor, Tensor skip)
    {
        var momentum = n.Momentum == 0 ? [] : p.First;
        object[] arguments = [p.Values, p.Gradients, momentum, n.Rate, n.Momentum, n.Decay, n.Nesterov, skip];
        if (divisor is null) Invoke("sgd", arguments);
        else Invoke("sgd_divided", [.. arguments, divisor]);
    }

    // TorchSharp makes a native scalar of each double and may collect it before libtorch has read it: another number would be used, or an error thrown.
    private void Invoke(string name, params object[] arguments)
    {
        var scalars = new List<Scalar>();
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is not double number) continue;
            var scalar = number.ToScalar();
            scalars.Add(scalar);
            arguments[i] = scalar;
        }

        _unit.invoke(name, arguments);
        foreach (var scalar in scalars) scalar.Dispose();
    }

    // One update of one number by each kernel: what the scripts, the argument lists and this libtorch make of it must be right.
    private static FusedKernels? Probe()
    {
        try
        {
            var kernels = new FusedKernels(jit.compile(Script));
            using var gradients = no_grad();
            using var scope = NewDisposeScope();
            var skip = zeros(1);
            bool Right(Action<ParameterTensors> update, double expected)
            {
                var p = new ParameterTensors([ones(1)], [full(1, 2.0)], [zeros(1)], [zeros(1)], [ones([])]);
                update(p);
                return Math.Abs(p.Values[0].item<float>() - expected) < 1e-5;
            }

            var right = Right(p => kernels.Adam(p, new AdamNumbers(0.1, 0.9, 0.99, 1e-8, 0.5, true), null, skip), 0.85)
                && Right(p => kernels.Adam(p, new AdamNumbers(0.1, 0.9, 0.99, 1e-8, 0, false), full([], 2.0), skip), 0.9)
                && Right(p => kernels.Adam(p, new AdamNumbers(0.1, 0.9, 0.99, 1e-8, 0, true), null, ones(1)), 1)
                && Right(p => kernels.Sgd(p, new SgdNumbers(0.1, 0.9, 0.5, false), null, skip), 0.75)
                && Right(p => kernels.Lerp(p.Values, p.Gradients, 0.25), 1.25)
                && Math.Abs(kernels.Norm([full(3, 2.0), ones(4)]).item<float>() - 4) < 1e-5;
            return right ? kernels : null;
        }
        catch (Exception error) when (error is ExternalException or EntryPointNotFoundException or InvalidOperationException or ArgumentException or NotImplementedException)
        {
            return null; // another libtorch, or TorchScript left out of it: the loops do the same
        }
    }
}
